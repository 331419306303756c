/*
 * fact.c - paths become columns of one SELECT; its cells become the values of conditions.
 *
 * The lock is a statement before the reading one: under READ COMMITTED a statement sees what
 * was committed before it began, so only the next one sees what the lock waited for.
 */
#include "core/workflow/fact.h"

#include "core/base/str.h"

#include <string.h>

struct fact {
    const char *path;
    const char *sql;      /* NULL: there is no such path */
    enum value_kind kind; /* of a value: VALUE_NUMBER, VALUE_TEXT, or VALUE_TRUE for booleans */
};

enum { FIXED_COLUMNS = 3 }; /* id, state, workflow_id */

/* ----------------------------------------------------------------------------- SQL of a path */

static const struct {
    const char *path, *sql;
    enum value_kind kind;
} of_request[] = {
    { "@today", "app_today()", VALUE_TEXT },
    { "@user.id", "app_user_id()", VALUE_NUMBER },
    { "@user.login", "(SELECT login FROM app_user WHERE id = app_user_id())", VALUE_TEXT },
    { "@user.name", "(SELECT name FROM app_user WHERE id = app_user_id())", VALUE_TEXT },
    { "@company", "current_setting('tenon.company')", VALUE_NUMBER },
};

/* The SQL of a path, or NULL and the reason; no error stays in rq->errors. */
static const char *
path_sql(struct rq *rq, const struct entity *e, const char *path, const struct column **column,
         const char **why)
{
    struct error *before = rq->errors;

    rq->errors = NULL;
    const char *sql = entity_path_sql(rq, e, path, column);

    if (!sql && why)
        *why = rq->errors ? rq->errors->message : tr(rq, "There is no such field");
    rq->errors = before;
    return sql;
}

static enum value_kind
kind_of(const char *type)
{
    if (str_word_in("amount base_amount unit_price quantity rate percent numeric integer bigint "
                    "smallint",
                    type))
        return VALUE_NUMBER;
    return !strcmp(type, "boolean") ? VALUE_TRUE : VALUE_TEXT;
}

/* An amount of a document with an exchange rate, in the company's currency. A draft in that
 * currency may have no rate yet. */
static const char *
in_company_currency(struct rq *rq, const struct entity *e, const char *path, const char *sql)
{
    const char *dot = strrchr(path, '.');
    int prefix = dot ? (int)(dot - path) + 1 : 0;
    const struct column *column;
    const char *rate =
        path_sql(rq, e, arena_printf(rq->mem, "%.*sexchange_rate", prefix, path), &column, NULL);
    const char *code =
        path_sql(rq, e, arena_printf(rq->mem, "%.*scurrency_code", prefix, path), &column, NULL);

    if (!rate || !code)
        return sql;
    return arena_printf(rq->mem,
                        "round(%s * coalesce(%s, CASE WHEN %s = current_setting('tenon.currency')"
                        " THEN 1 END), currency_scale(current_setting('tenon.currency')))",
                        sql, rate, code);
}

/* "@today+3", "@today-1". */
static const char *
moved_today(struct rq *rq, const char *path)
{
    const char *days = path + strlen("@today");

    if (!str_starts(path, "@today") || (*days != '+' && *days != '-') || !str_is_id(days + 1) ||
        strlen(days) > 6)
        return NULL;
    return arena_printf(rq->mem, "(app_today() %c %s)", *days, days + 1);
}

static bool
resolve(struct rq *rq, const struct entity *e, struct fact *f, const char **why)
{
    const struct column *column = NULL;

    for (size_t i = 0; i < sizeof of_request / sizeof *of_request; i++)
        if (!strcmp(f->path, of_request[i].path)) {
            f->sql = of_request[i].sql;
            f->kind = of_request[i].kind;
            return true;
        }
    if ((f->sql = moved_today(rq, f->path))) {
        f->kind = VALUE_TEXT;
        return true;
    }
    f->sql = path_sql(rq, e, f->path, &column, why);
    if (!f->sql && str_ends(f->path, "_doc")) {
        f->sql =
            path_sql(rq, e, arena_strndup(rq->mem, f->path, strlen(f->path) - 4), &column, why);
    } else if (f->sql && !strcmp(column->type, "amount")) {
        f->sql = in_company_currency(rq, e, f->path, f->sql);
    }
    if (!f->sql)
        return false;
    f->kind = kind_of(column->type);
    if (!strcmp(column->type, "timestamptz"))
        f->sql = arena_printf(rq->mem,
                              "to_char(%s AT TIME ZONE current_setting('tenon.time_zone'),"
                              " 'YYYY-MM-DD\"T\"HH24:MI:SS')",
                              f->sql);
    return true;
}

bool
fact_path_known(struct rq *rq, const struct entity *e, const char *path, const char **why)
{
    struct fact f = { .path = path };

    return resolve(rq, e, &f, why);
}

/* ------------------------------------------------------------------------------- loading */

struct facts
facts_new(struct rq *rq, const struct entity *e)
{
    return (struct facts){ .rq = rq, .entity = e };
}

static int
find(const struct facts *f, const char *path)
{
    for (int i = 0; i < f->npaths; i++)
        if (!strcmp(f->paths[i].path, path))
            return i;
    return -1;
}

void
facts_need_path(struct facts *f, const char *path)
{
    if (find(f, path) >= 0)
        return;
    if (f->npaths == f->room) {
        struct fact *more = arena_alloc(f->rq->mem, (size_t)(f->room * 2 + 8) * sizeof *more);

        if (f->npaths)
            memcpy(more, f->paths, (size_t)f->npaths * sizeof *more);
        f->paths = more;
        f->room = f->room * 2 + 8;
    }
    f->paths[f->npaths++] = (struct fact){ .path = path };
}

void
facts_need(struct facts *f, const struct check *check)
{
    for (int i = 0; i < check->condition.npaths; i++)
        facts_need_path(f, check->condition.paths[i]);
}

const char *
facts_path(const struct facts *f, int i)
{
    return f->paths[i].path;
}

bool
facts_lock(struct facts *f, const char *ids)
{
    /* NO KEY: whoever adds a document that refers to this one need not wait. */
    return db_exec(f->rq,
                   arena_printf(f->rq->mem,
                                "SELECT FROM %s WHERE id = ANY ($1::bigint[])"
                                " ORDER BY id FOR NO KEY UPDATE",
                                f->entity->name),
                   P(ids));
}

static bool
has_workflow(struct rq *rq, const struct entity *e)
{
    const struct catalog *c = catalog_get(rq, request_schema_epoch(rq));
    const struct table *t = c ? catalog_table(c, e->name) : NULL;

    return t && t->has_state && table_column(t, "workflow_id");
}

bool
facts_load(struct facts *f, const char *ids)
{
    struct str s = str_new(f->rq->mem);

    str_add(&s, "SELECT t.id, ");
    str_add(&s, has_workflow(f->rq, f->entity) ? "t.state, t.workflow_id" : "NULL, NULL");
    for (int i = 0; i < f->npaths; i++) {
        resolve(f->rq, f->entity, &f->paths[i], NULL);
        str_printf(&s, ", %s", f->paths[i].sql ? f->paths[i].sql : "NULL");
    }
    str_printf(&s, " FROM %s t WHERE t.id = ANY ($1::bigint[]) ORDER BY t.id", f->entity->name);
    if (!db_rows(f->rq, s.text, P(ids), &f->rows))
        return false;
    f->moves = f->rq->moves;
    if (f->rows.count < ids_count(ids))
        return fail(f->rq, "not_found", NULL, "There is no such record");
    return true;
}

const char *
facts_id(const struct facts *f, int row)
{
    return cell(&f->rows, row, 0);
}

const char *
facts_state(const struct facts *f, int row)
{
    return f->states && f->states[row] ? f->states[row] : cell(&f->rows, row, 1);
}

void
facts_moved(struct facts *f, int row, const char *state)
{
    if (!f->states)
        f->states = arena_alloc(f->rq->mem, (size_t)f->rows.count * sizeof *f->states);
    f->states[row] = state;
    f->moves = f->rq->moves;
}

const char *
facts_workflow_id(const struct facts *f, int row)
{
    return cell(&f->rows, row, 2);
}

const char *
facts_text(const struct facts *f, int row, const char *path)
{
    int i = find(f, path);

    return i < 0 ? NULL : cell(&f->rows, row, FIXED_COLUMNS + i);
}

/* ---------------------------------------------------------------------------- evaluating */

static struct value
value_of(const struct facts *f, int row, int i)
{
    const char *text = cell(&f->rows, row, FIXED_COLUMNS + i);

    if (!text)
        return (struct value){ VALUE_NIL, NULL };
    if (f->paths[i].kind == VALUE_TRUE)
        return (struct value){ *text == 't' ? VALUE_TRUE : VALUE_FALSE, NULL };
    return (struct value){ f->paths[i].kind, text };
}

bool
facts_try(const struct facts *f, int row, const struct check *check, bool *holds, const char **why)
{
    const struct condition *c = &check->condition;
    struct value *values = arena_alloc(f->rq->mem, (size_t)(c->npaths + 1) * sizeof *values);

    *why = check->error;
    for (int i = 0; i < c->npaths && !*why; i++) {
        int at = find(f, c->paths[i]);

        if (at < 0 || !f->paths[at].sql)
            *why = arena_printf(f->rq->mem, tr(f->rq, "there is no field %s"), c->paths[i]);
        else
            values[i] = value_of(f, row, at);
    }
    return !*why && condition_holds(f->rq->mem, c, values, holds, why);
}

bool
facts_check(const struct facts *f, int row, const struct check *check, bool *holds)
{
    const char *why;

    if (facts_try(f, row, check, holds, &why))
        return true;
    return fail(f->rq, "condition_failed", NULL, "The condition %s cannot be evaluated: %s",
                check->condition.text, tr(f->rq, why));
}

/* ----------------------------------------------------------------------------------- ids */

int
ids_count(const char *ids)
{
    int n = 0;

    for (const char *p = ids; *p; p++)
        n += *p == ',';
    return strpbrk(ids, "0123456789") ? n + 1 : 0;
}

const char *
facts_ids(const struct facts *f, const bool *wanted)
{
    struct str s = str_new(f->rq->mem);

    str_char(&s, '{');
    for (int i = 0; i < f->rows.count; i++)
        if (wanted[i])
            str_printf(&s, "%s%s", s.len > 1 ? "," : "", facts_id(f, i));
    str_char(&s, '}');
    return s.text;
}
