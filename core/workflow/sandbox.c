/*
 * sandbox.c - the state of a thread, its budgets, and the evaluation of a chunk.
 *
 * Why a hook that tightens itself: an error thrown by a hook could be caught by the chunk
 * and the loop go on; after the budget is gone the hook fires at every instruction.
 */
#include "core/workflow/sandbox.h"
#include "core/workflow/sandbox_library.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEPS_PER_HOOK = 1000,
    STEP_BUDGET = 1000000,
    MEMORY_BUDGET = 4 * 1024 * 1024,
    CACHE_LIMIT = 2000 /* chunks that a thread keeps */
};

struct sandbox {
    lua_State *lua;
    size_t used, limit;
    int steps_left;
    int cached;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

uint64_t
chunk_serial(void)
{
    static atomic_uint_fast64_t last;

    return ++last;
}

static void *
allocate(void *ud, void *p, size_t old_size, size_t size)
{
    struct sandbox *s = ud;
    size_t old = p ? old_size : 0;

    if (size > old && s->used - old + size > s->limit)
        return NULL;
    if (!size) {
        free(p);
        s->used -= old;
        return NULL;
    }
    void *moved = realloc(p, size);

    if (moved)
        s->used = s->used - old + size;
    return moved;
}

static struct sandbox *
sandbox_of_state(lua_State *lua)
{
    void *ud;

    lua_getallocf(lua, &ud);
    return ud;
}

static void
count_steps(lua_State *lua, lua_Debug *debug)
{
    struct sandbox *s = sandbox_of_state(lua);

    (void)debug;
    s->steps_left -= STEPS_PER_HOOK;
    if (s->steps_left > 0)
        return;
    lua_sethook(lua, count_steps, LUA_MASKCOUNT, 1);
    luaL_error(lua, "it takes too many steps");
}

static void
sandbox_free(void *thing)
{
    struct sandbox *s = thing;

    lua_close(s->lua);
    free(s);
}

static void
make_key(void)
{
    if (pthread_key_create(&key, sandbox_free))
        abort();
}

static int
open_library(lua_State *lua)
{
    sandbox_library(lua);
    lua_newtable(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, "chunks");
    return 0;
}

static struct sandbox *
sandbox_of_thread(void)
{
    pthread_once(&once, make_key);
    struct sandbox *s = pthread_getspecific(key);

    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->limit = (size_t)MEMORY_BUDGET * 2;
    s->lua = lua_newstate(allocate, s);
    if (!s->lua)
        abort();
    lua_pushcfunction(s->lua, open_library);
    if (lua_pcall(s->lua, 0, 0, 0) != LUA_OK || pthread_setspecific(key, s))
        abort();
    return s;
}

/* ------------------------------------------------------------------- compiling and running */

struct call {
    const struct chunk *chunk;
    const struct value *values;
    int nvalues;
    bool holds;
};

/* Push the compiled chunk and its table of numbers, from the cache or anew. */
static void
push_chunk(lua_State *lua, const struct chunk *chunk)
{
    struct sandbox *s = sandbox_of_state(lua);

    lua_getfield(lua, LUA_REGISTRYINDEX, "chunks");
    if (lua_rawgeti(lua, -1, (lua_Integer)chunk->serial) == LUA_TTABLE) {
        lua_rawgeti(lua, -1, 1);
        lua_rawgeti(lua, -2, 2);
        return;
    }
    if (s->cached++ >= CACHE_LIMIT) {
        lua_newtable(lua);
        lua_setfield(lua, LUA_REGISTRYINDEX, "chunks");
        lua_getfield(lua, LUA_REGISTRYINDEX, "chunks");
        lua_replace(lua, -3);
        s->cached = 1;
    }
    if (luaL_loadbufferx(lua, chunk->source, strlen(chunk->source), "=", "t") != LUA_OK)
        lua_error(lua);
    lua_getfield(lua, LUA_REGISTRYINDEX, SANDBOX_ENVIRONMENT);
    lua_setupvalue(lua, -2, 1);
    lua_createtable(lua, chunk->nnumbers, 0);
    for (int i = 0; i < chunk->nnumbers; i++) {
        sandbox_push_decimal(lua, chunk->numbers[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_createtable(lua, 2, 0);
    lua_pushvalue(lua, -3);
    lua_rawseti(lua, -2, 1);
    lua_pushvalue(lua, -2);
    lua_rawseti(lua, -2, 2);
    lua_rawseti(lua, -5, (lua_Integer)chunk->serial);
}

static void
push_value(lua_State *lua, const struct value *value)
{
    struct decimal d;

    if (value->kind == VALUE_NIL)
        lua_pushnil(lua);
    else if (value->kind == VALUE_TEXT)
        lua_pushstring(lua, value->text);
    else if (value->kind != VALUE_NUMBER)
        lua_pushboolean(lua, value->kind == VALUE_TRUE);
    else if (decimal_parse(value->text, strlen(value->text), &d))
        sandbox_push_decimal(lua, d);
    else
        luaL_error(lua, "a number has too many digits");
}

static int
run(lua_State *lua)
{
    struct call *call = lua_touserdata(lua, 1);

    push_chunk(lua, call->chunk);
    if (!call->values)
        return 0;
    int numbers = lua_gettop(lua);

    lua_pushvalue(lua, numbers - 1);
    lua_createtable(lua, call->nvalues, 0);
    for (int i = 0; i < call->nvalues; i++) {
        push_value(lua, &call->values[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_pushvalue(lua, numbers);
    lua_call(lua, 2, 1);
    if (!lua_isnoneornil(lua, -1) && !lua_isboolean(lua, -1))
        return luaL_error(lua, "it says neither true nor false");
    call->holds = lua_toboolean(lua, -1);
    return 0;
}

/* Without Lua's prefix ":1: ". */
static const char *
sentence(struct arena *mem, int status, const char *said)
{
    if (status == LUA_ERRMEM)
        return "it needs too much memory";
    if (!said)
        return "it failed";
    if (*said == ':' || *said == '?') {
        const char *rest = strstr(said, ": ");

        said = rest ? rest + 2 : said;
    }
    return arena_strdup(mem, said);
}

static bool
guarded(struct arena *mem, struct call *call, const char **error)
{
    struct sandbox *s = sandbox_of_thread();

    s->limit = s->used + MEMORY_BUDGET;
    s->steps_left = STEP_BUDGET;
    lua_sethook(s->lua, count_steps, LUA_MASKCOUNT, STEPS_PER_HOOK);
    lua_settop(s->lua, 0);
    lua_pushcfunction(s->lua, run);
    lua_pushlightuserdata(s->lua, call);
    int status = lua_pcall(s->lua, 1, 0, 0);

    lua_sethook(s->lua, NULL, 0, 0);
    s->limit = s->used + (size_t)MEMORY_BUDGET;
    if (status != LUA_OK)
        *error = sentence(mem, status, lua_tostring(s->lua, -1));
    lua_settop(s->lua, 0);
    return status == LUA_OK;
}

bool
sandbox_check(struct arena *mem, const struct chunk *chunk, const char **error)
{
    return guarded(mem, &(struct call){ .chunk = chunk }, error);
}

bool
sandbox_holds(struct arena *mem, const struct chunk *chunk, const struct value *values, int nvalues,
              bool *holds, const char **error)
{
    static const struct value none;
    struct call call = { chunk, values ? values : &none, nvalues, false };

    if (!guarded(mem, &call, error))
        return false;
    *holds = call.holds;
    return true;
}
