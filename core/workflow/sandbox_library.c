/*
 * sandbox_library.c - decimals as Lua values, empty values that can be compared, functions.
 *
 * Nothing here takes a pattern: a pattern matcher runs inside C, where no budget stops it.
 * An empty value compares as false and passes through functions; calculating with one is
 * an error, since neither true nor false would be right then.
 */
#include "core/workflow/sandbox_library.h"
#include "core/workflow/sandbox.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#define DECIMAL "decimal"
#define OVERFLOW "the result has too many digits"

const char sandbox_functions[] =
    "div round abs min max contains starts ends len lower one_of "
    "days_between add_days today";

/* ------------------------------------------------------------------------------- decimals */

void
sandbox_push_decimal(lua_State *lua, struct decimal d)
{
    void *at = lua_newuserdatauv(lua, sizeof d, 0);

    memcpy(at, &d, sizeof d); /* Lua aligns to 8 bytes only */
    luaL_setmetatable(lua, DECIMAL);
}

static bool
to_decimal(lua_State *lua, int index, struct decimal *out)
{
    const void *at = luaL_testudata(lua, index, DECIMAL);

    if (at)
        memcpy(out, at, sizeof *out);
    return at;
}

static struct decimal
check_decimal(lua_State *lua, int index)
{
    struct decimal d = { 0, 0 };

    if (lua_isnoneornil(lua, index))
        luaL_error(lua, "an empty value cannot be calculated with");
    if (!to_decimal(lua, index, &d))
        luaL_error(lua, "only numbers can be calculated with");
    return d;
}

static int
push_result(lua_State *lua, bool fits, struct decimal d)
{
    if (!fits)
        return luaL_error(lua, OVERFLOW);
    sandbox_push_decimal(lua, d);
    return 1;
}

static int
arithmetic(lua_State *lua, bool (*f)(struct decimal, struct decimal, struct decimal *))
{
    struct decimal a = check_decimal(lua, 1), b = check_decimal(lua, 2), d;

    return push_result(lua, f(a, b, &d), d);
}

static int
add(lua_State *lua)
{
    return arithmetic(lua, decimal_add);
}

static int
sub(lua_State *lua)
{
    return arithmetic(lua, decimal_sub);
}

static int
mul(lua_State *lua)
{
    return arithmetic(lua, decimal_mul);
}

static int
negate(lua_State *lua)
{
    struct decimal d;

    return push_result(lua, decimal_negate(check_decimal(lua, 1), &d), d);
}

static int
refuse_slash(lua_State *lua)
{
    return luaL_error(lua, "write div(a, b, digits) instead of a / b");
}

static int
equal(lua_State *lua)
{
    struct decimal a, b;

    lua_pushboolean(lua,
                    to_decimal(lua, 1, &a) && to_decimal(lua, 2, &b) && decimal_compare(a, b) == 0);
    return 1;
}

/* -1, 0, 1; 2 when one of them is empty: then no comparison holds. */
static int
compare(lua_State *lua)
{
    struct decimal a, b;

    if (lua_isnil(lua, 1) || lua_isnil(lua, 2))
        return 2;
    if (!to_decimal(lua, 1, &a) || !to_decimal(lua, 2, &b))
        return luaL_error(lua, "a number can only be compared with a number");
    return decimal_compare(a, b);
}

static int
less(lua_State *lua)
{
    lua_pushboolean(lua, compare(lua) < 0);
    return 1;
}

static int
less_or_equal(lua_State *lua)
{
    lua_pushboolean(lua, compare(lua) <= 0);
    return 1;
}

static void
push_text(lua_State *lua, int index)
{
    struct decimal d;
    char text[DECIMAL_TEXT];

    if (to_decimal(lua, index, &d)) {
        decimal_text(d, text);
        lua_pushstring(lua, text);
    } else if (lua_type(lua, index) == LUA_TSTRING) {
        lua_pushvalue(lua, index);
    } else {
        luaL_error(lua, "only texts and numbers can be joined");
    }
}

static int
concat(lua_State *lua)
{
    push_text(lua, 1);
    push_text(lua, 2);
    lua_concat(lua, 2);
    return 1;
}

static int
empty_index(lua_State *lua)
{
    lua_pushnil(lua);
    return 1;
}

/* The metatables are out of a chunk's reach, since it has no getmetatable. */
static const luaL_Reg operators[] = {
    { "__add", add },
    { "__sub", sub },
    { "__mul", mul },
    { "__unm", negate },
    { "__div", refuse_slash },
    { "__idiv", refuse_slash },
    { "__mod", refuse_slash },
    { "__pow", refuse_slash },
    { "__eq", equal },
    { "__lt", less },
    { "__le", less_or_equal },
    { "__concat", concat },
    { NULL, NULL },
};

/* ------------------------------------------------------------------------------ functions */

static int
digits_of(lua_State *lua, int index)
{
    struct decimal d =
        lua_isnone(lua, index) ? (struct decimal){ 0, 0 } : check_decimal(lua, index);

    if (d.scale || d.mantissa < 0 || d.mantissa > 18)
        return luaL_error(lua, "digits are a whole number from 0 to 18");
    return (int)d.mantissa;
}

static int
call_div(lua_State *lua)
{
    struct decimal a = check_decimal(lua, 1), b = check_decimal(lua, 2), d;
    int digits = digits_of(lua, 3);

    if (lua_isnone(lua, 3))
        return luaL_error(lua, "say how many digits: div(a, b, digits)");
    if (!b.mantissa)
        return luaL_error(lua, "division by zero");
    return push_result(lua, decimal_div(a, b, digits, &d), d);
}

static int
call_round(lua_State *lua)
{
    struct decimal d;

    if (lua_isnil(lua, 1))
        return 1;
    return push_result(lua, decimal_round(check_decimal(lua, 1), digits_of(lua, 2), &d), d);
}

static int
call_abs(lua_State *lua)
{
    if (lua_isnil(lua, 1))
        return 1;
    struct decimal d = check_decimal(lua, 1);

    return push_result(lua, d.mantissa >= 0 || decimal_negate(d, &d), d);
}

static int
extreme(lua_State *lua, int wanted)
{
    struct decimal best = check_decimal(lua, 1);

    for (int i = 2; i <= lua_gettop(lua); i++) {
        struct decimal d = check_decimal(lua, i);

        if (decimal_compare(d, best) * wanted > 0)
            best = d;
    }
    sandbox_push_decimal(lua, best);
    return 1;
}

static int
call_min(lua_State *lua)
{
    return extreme(lua, -1);
}

static int
call_max(lua_State *lua)
{
    return extreme(lua, 1);
}

static const char *
check_text(lua_State *lua, int index, size_t *len)
{
    if (lua_type(lua, index) != LUA_TSTRING)
        luaL_error(lua, "this function takes texts");
    return lua_tolstring(lua, index, len);
}

/* Two texts, or nothing when one is empty. */
static bool
two_texts(lua_State *lua, const char **s, size_t *n, const char **part, size_t *m)
{
    if (lua_isnoneornil(lua, 1) || lua_isnoneornil(lua, 2))
        return false;
    *s = check_text(lua, 1, n);
    *part = check_text(lua, 2, m);
    return true;
}

static int
call_contains(lua_State *lua)
{
    const char *s, *part;
    size_t n, m;

    lua_pushboolean(lua, two_texts(lua, &s, &n, &part, &m) && strstr(s, part));
    return 1;
}

static int
call_starts(lua_State *lua)
{
    const char *s, *part;
    size_t n, m;

    lua_pushboolean(lua, two_texts(lua, &s, &n, &part, &m) && m <= n && !memcmp(s, part, m));
    return 1;
}

static int
call_ends(lua_State *lua)
{
    const char *s, *part;
    size_t n, m;

    lua_pushboolean(lua,
                    two_texts(lua, &s, &n, &part, &m) && m <= n && !memcmp(s + n - m, part, m));
    return 1;
}

/* In characters, not bytes. */
static int
call_len(lua_State *lua)
{
    size_t n, count = 0;

    if (lua_isnil(lua, 1))
        return 1;
    const char *s = check_text(lua, 1, &n);

    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)s[i] & 0xc0) != 0x80;
    sandbox_push_decimal(lua, (struct decimal){ (decimal_mantissa)count, 0 });
    return 1;
}

static int
call_lower(lua_State *lua)
{
    size_t n;

    if (lua_isnil(lua, 1))
        return 1;
    const char *s = check_text(lua, 1, &n);
    luaL_Buffer buffer;

    luaL_buffinitsize(lua, &buffer, n);
    for (size_t i = 0; i < n; i++)
        luaL_addchar(&buffer, (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]));
    luaL_pushresult(&buffer);
    return 1;
}

static int
call_one_of(lua_State *lua)
{
    bool found = false;

    for (int i = 2; i <= lua_gettop(lua); i++)
        found = found || lua_compare(lua, 1, i, LUA_OPEQ);
    lua_pushboolean(lua, found);
    return 1;
}

/* ---------------------------------------------------------------------------------- dates */

/* Days since 1970-01-01 of "2026-11-22..." (a proleptic Gregorian date), or an error. */
static long
day_number(lua_State *lua, int index)
{
    int year, month, day;
    size_t n;
    const char *s = check_text(lua, index, &n);

    if (n < 10 || sscanf(s, "%4d-%2d-%2d", &year, &month, &day) != 3 || month < 1 || month > 12 ||
        day < 1 || day > 31)
        return luaL_error(lua, "this text is not a date");
    year -= month <= 2;
    long era = year / 400, of_era = year - era * 400;
    long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int
call_days_between(lua_State *lua)
{
    if (lua_isnoneornil(lua, 1) || lua_isnoneornil(lua, 2)) {
        lua_pushnil(lua);
        return 1;
    }
    sandbox_push_decimal(lua, (struct decimal){ day_number(lua, 2) - day_number(lua, 1), 0 });
    return 1;
}

static int
call_add_days(lua_State *lua)
{
    char text[64];

    if (lua_isnil(lua, 1))
        return empty_index(lua);
    struct decimal days = check_decimal(lua, 2);

    if (days.scale || days.mantissa > 1000000 || days.mantissa < -1000000)
        return luaL_error(lua, "days are a whole number");
    long n = day_number(lua, 1) + (long)days.mantissa + 719468;

    if (n < 0)
        return luaL_error(lua, "there is no such date");
    long era = n / 146097, rest = n - era * 146097;
    long of_era = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    long of_year = rest - (365 * of_era + of_era / 4 - of_era / 100), m = (5 * of_year + 2) / 153;
    long month = m < 10 ? m + 3 : m - 9;

    snprintf(text, sizeof text, "%04ld-%02ld-%02ld", of_era + era * 400 + (month <= 2), month,
             of_year - (153 * m + 2) / 5 + 1);
    lua_pushstring(lua, text);
    return 1;
}

static const luaL_Reg functions[] = {
    { "div", call_div },           { "round", call_round },
    { "abs", call_abs },           { "min", call_min },
    { "max", call_max },           { "contains", call_contains },
    { "starts", call_starts },     { "ends", call_ends },
    { "len", call_len },           { "lower", call_lower },
    { "one_of", call_one_of },     { "days_between", call_days_between },
    { "add_days", call_add_days }, { NULL, NULL },
};

void
sandbox_library(lua_State *lua)
{
    luaL_newmetatable(lua, DECIMAL);
    luaL_setfuncs(lua, operators, 0);
    lua_pop(lua, 1);

    lua_pushnil(lua);
    lua_newtable(lua);
    luaL_setfuncs(lua, operators, 0);
    lua_pushcfunction(lua, empty_index);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);

    lua_newtable(lua);
    luaL_setfuncs(lua, functions, 0);
    lua_setfield(lua, LUA_REGISTRYINDEX, SANDBOX_ENVIRONMENT);
}
