/*
 * test.h - the harness: tests run against a real PostgreSQL, on a throw-away cluster that the
 * program starts itself.
 *
 *     static void
 *     a_short_item_is_named_and_nothing_is_reserved(void)
 *     {
 *         struct rq *rq = test_begin();
 *         ...
 *         test_end(rq);
 *     }
 *     const struct test reserve_tests[] = {
 *         { "a short item is named and nothing is reserved", a_short_item_is_named_... },
 *         { 0 },
 *     };
 *
 * test_begin gives a request of the administrator of the company TEST, under the server's
 * role, in a transaction; test_end makes the deferred constraints speak, then rolls back.
 * Tests that need committed data, several connections or a server take a database of their
 * own (test_database), cloned from the same template.
 */
#ifndef TENON_TEST_H
#define TENON_TEST_H

#include "core/entity/entity.h"
#include "core/workflow/workflow.h"

#include <CUnit/CUnit.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
};
struct suite {
    const char *name;
    const struct test *tests;
};
extern const struct suite suites[]; /* generated */

struct rq *test_begin(void);
void test_end(struct rq *rq);

/* The same as another user or company: logins made by the fixture are "admin" (all rights),
 * "manager", "sales", "finance", "warehouse", "purchasing", "production", "quality", "service",
 * "viewer"; companies "TEST" (USD) and "OTHER" (EUR). */
struct rq *test_begin_as(const char *login, const char *company);

/* First column of the first row, or NULL; a failing statement fails the test and prints why. */
const char *test_sql(struct rq *rq, const char *sql, ...) __attribute__((format(printf, 2, 3)));

/* Run a statement that the database must refuse, deferred constraints included: the error, or
 * NULL when it was accepted. Nothing of it stays. */
const struct error *test_refused(struct rq *rq, const char *sql, ...)
    __attribute__((format(printf, 2, 3)));

/* Run under the rights of a superuser, committed at once, in the database of test_begin. */
void test_owner_sql(struct rq *rq, const char *sql, ...) __attribute__((format(printf, 2, 3)));

/* Insert one document through entity_insert; its id. A failure ends the test. */
const char *test_create(struct rq *rq, const char *entity, const char *json, ...)
    __attribute__((format(printf, 3, 4)));

/* Take a transition or run an operation on one record, as the server would. */
bool test_take(struct rq *rq, const char *entity, const char *id, const char *action,
               const char *body);

/* The code of the first error, "" when there is none. */
const char *test_code(const struct rq *rq);

/* Remember this point of the transaction; go back to it, errors forgotten. */
void test_mark(struct rq *rq);
void test_recover(struct rq *rq);

/* A database of one's own, cloned from the template; gone with the cluster.
 * app: conninfo of the server's role; admin: of the superuser. */
struct test_database {
    const char *app, *admin;
};
struct test_database test_database(void);

/* Folder for files of this run, removed at its end; folder of the built programs. */
const char *test_folder(void);
const char *test_programs(void);

/* Strings that may be NULL are equal. */
#define CHECK_TEXT(is, should) test_text(__FILE__, __LINE__, (is), (should))
void test_text(const char *file, int line, const char *is, const char *should);

#endif
