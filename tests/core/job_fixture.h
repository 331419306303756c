/*
 * job_fixture.h - a database of one's own in which transactions commit, events are published
 * and jobs run when the test says so. Leads are the example.
 */
#ifndef TENON_JOB_FIXTURE_H
#define TENON_JOB_FIXTURE_H

#include "core/workflow/outbox.h"
#include "tests/test.h"

#include <stdarg.h>

static struct test_database here;
static struct arena *mem; /* of the test */
static struct db *app, *owner;

static inline struct db *
connect_to(const char *conninfo)
{
    const char *error = NULL;
    struct db *db = db_open(mem, conninfo, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(db);
    return db;
}

static inline struct rq *
request(struct db *db)
{
    struct rq *rq = arena_alloc(mem, sizeof *rq);

    *rq = (struct rq){ .mem = mem, .db = db, .language = "en", .id = "test", .body_text = "{}" };
    return rq;
}

/* A transaction of the administrator under the server's role. */
static inline struct rq *
begin_on(struct db *db)
{
    struct rq *rq = request(db);

    db_begin(rq, false);
    db_exec(rq,
            "SELECT context_set((SELECT id FROM app_user WHERE login = 'admin'),"
            " (SELECT id FROM company WHERE code = 'TEST'), 'test')",
            NONE);
    return rq;
}

static inline void
commit(struct rq *rq)
{
    bool ok = db_commit(rq);

    for (const struct error *e = rq->errors; !ok && e; e = e->next)
        printf("\n    %s: %s", e->code, e->message);
    CU_ASSERT_TRUE(ok);
    if (!ok)
        db_rollback(rq);
}

/* One statement as the owner, committed; the first column of its first row. */
static const char *sql(const char *statement, ...) __attribute__((format(printf, 1, 2)));
static inline const char *
sql(const char *statement, ...)
{
    struct rq *rq = request(owner);
    va_list ap;

    va_start(ap, statement);
    statement = arena_vprintf(mem, statement, ap);
    va_end(ap);
    db_begin(rq, false);
    db_exec(rq, "SET LOCAL search_path = tenon", NONE);
    const char *text = db_text(rq, statement, NONE);

    if (rq->errors)
        printf("\n    %s\n    %s", statement, rq->errors->message);
    commit(rq);
    return text;
}

static inline void
setup(void)
{
    here = test_database();
    mem = arena_new();
    app = connect_to(here.app);
    owner = connect_to(here.admin);
    sql("DELETE FROM workflow_rule");
    sql("UPDATE workflow_clock SET at = 'infinity'"); /* no timers but where a test wants them */
}

static inline void
teardown(void)
{
    db_close(app);
    db_close(owner);
    arena_free(mem);
}

static inline void
rule(const char *name, const char *definition)
{
    sql("INSERT INTO workflow_rule (name, entity, definition) VALUES ('%s', 'lead', '%s')", name,
        definition);
}

static inline const char *
lead(const char *person)
{
    struct rq *rq = begin_on(app);
    const char *id =
        test_create(rq, "lead", "{\"person\": \"%s\", \"email\": \"a@example.com\"}", person);

    commit(rq);
    return id;
}

static inline bool
take(const char *id, const char *action)
{
    struct rq *rq = begin_on(app);
    bool ok = test_take(rq, "lead", id, action, NULL);

    if (ok)
        commit(rq);
    else
        db_rollback(rq);
    return ok;
}

static inline int
publish(void)
{
    int n = 0;

    CU_ASSERT_TRUE(outbox_publish(request(app), &n));
    return n;
}

/* Run what is due; how many jobs ran. */
static inline int
run_all(struct db *db)
{
    int n = 0;
    bool ran = true;

    while (ran && n < 200) {
        CU_ASSERT_TRUE(jobs_run_one(request(db), &ran));
        n += ran;
    }
    return n;
}

#define NOTE "{\"notify\": \"admin\", \"message\": \"{person}\"}"

#endif
