/*
 * auth.c - sign-in, sign-out, passwords, API keys. Tokens are random; the database keeps
 * their SHA-256. An unknown login costs as much time as a wrong password; both count against
 * the login and against the address. Hashing runs in the slow lane: as many at once as that
 * has threads.
 */
#include "core/base/password.h"
#include "core/base/str.h"
#include "core/base/tr.h"
#include "server/handlers.h"
#include "server/limit.h"

#include <ctype.h>
#include <string.h>

static struct limit *per_login, *per_address;

void
auth_start(const struct conf *conf)
{
    int window = (int)conf_number(conf, "sign_in_window");

    per_login = limit_new((int)conf_number(conf, "sign_in_per_login"), window);
    per_address = limit_new((int)conf_number(conf, "sign_in_per_address"), window);
}

void
auth_stop(void)
{
    limit_free(per_login);
    limit_free(per_address);
}

static const char *
text_of(const cJSON *body, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, name));
}

/* Open a session and make the body of its answer, token first. */
static const char *
open_session(struct rq *rq, const char *user, const char *kind, const char *name,
             const char *address)
{
    const char *token = token_new(rq->mem), *rest = NULL;
    bool key = !strcmp(kind, "api_key");
    const char *lifetime =
        key ? NULL
            : arena_printf(rq->mem, "%lld seconds", conf_number(route_conf, "session_lifetime"));

    if (!db_one(rq, "SELECT session_open($1, $2, $3, $4, $5, $6)",
                P(user, sha256_text(rq->mem, token, strlen(token)), kind, name, address, lifetime),
                OUT(&rest)))
        return NULL;
    return arena_printf(rq->mem, "{\"token\":\"%s\",%s", token, rest + 1);
}

/* Check the password; *user stays NULL when it is wrong. */
static bool
check_password(struct rq *rq, const char *login, const char *password, const char **user)
{
    const char *encoded;

    if (!db_one(rq, "SELECT user_id, password FROM signin_lookup($1)", P(login),
                OUT(user, &encoded)))
        return false;
    if (!password_matches(encoded, password))
        *user = NULL;
    return true;
}

static bool
sign_in(struct rq *rq, struct call *c, const char *login, const char *password)
{
    const char *user;

    if (!db_begin(rq, false) || !check_password(rq, login, password, &user))
        return false;
    if (!user)
        return fail(rq, "not_signed_in", NULL, "The login or the password is wrong");
    c->user_id = arena_strdup(c->mem, user);
    rq->status = 201;
    rq->reply = open_session(rq, user, "session", NULL, c->address);
    return rq->reply && db_commit(rq);
}

/* Seconds until this login or address may try again; 0: now, and this try is counted. */
static int
must_wait(const char *login, const char *address)
{
    int a = limit_wait(per_login, login), b = limit_wait(per_address, address);

    if (a || b)
        return a > b ? a : b;
    limit_take(per_login, login);
    limit_take(per_address, address);
    return 0;
}

static const char *
lower(struct arena *mem, const char *s)
{
    char *copy = arena_strdup(mem, s);

    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

void
session_create(struct call *c, struct db *db)
{
    const char *login = text_of(c->json, "login"), *password = text_of(c->json, "password");
    struct rq rq = { .mem = c->work, .db = db, .id = c->id, .language = c->language };

    if (!login || !password || !*login || !*password) {
        fail(&rq, "malformed", login ? "password" : "login", "Send a login and a password");
        call_problem(c, rq.errors);
        return;
    }
    login = lower(c->work, login);
    c->retry_after = must_wait(login, c->address);
    if (c->retry_after) {
        call_fail(c, "too_many_requests", "Too many attempts to sign in: wait a while");
        return;
    }
    if (!sign_in(&rq, c, login, password)) {
        db_rollback(&rq);
        call_problem(c, rq.errors);
        return;
    }
    limit_forget(per_login, login);
    limit_give(per_address, c->address);
    call_reply(c, 201, rq.reply);
    c->syncs = db_syncs(db);
}

/* Signing out twice is no error. */
void
session_delete(struct call *c, struct db *db)
{
    struct rq rq = { .mem = c->work, .db = db, .id = c->id, .language = c->language };

    if (!c->who.token_hash) {
        call_fail(c, "not_signed_in", "Sign in first");
        return;
    }
    db_begin(&rq, false);
    db_exec(&rq, "SELECT session_close($1)", P(c->who.token_hash));
    if (db_commit(&rq)) {
        call_reply(c, 204, NULL);
        return;
    }
    db_rollback(&rq);
    call_problem(c, rq.errors);
}

/* Who am I? The same body as at sign-in, without the token. */
bool
session_read(struct rq *rq, struct call *c)
{
    static const char who[] =
        "SELECT json_build_object("
        "    'user', json_build_object('id', u.id, 'login', u.login, 'name', u.name,"
        "                              'language', u.language),"
        "    'roles', (SELECT coalesce(json_agg(r.code ORDER BY r.code), '[]')"
        "                FROM user_role ur JOIN role r ON r.id = ur.role_id WHERE ur.user_id = u.id),"
        "    'company', (SELECT json_build_object('id', c.id, 'code', c.code, 'name', c.name,"
        "                                         'name_zh', c.name_zh,"
        "                                         'currency_code', c.currency_code)"
        "                  FROM company c WHERE c.id = app_company()),"
        "    'companies', (SELECT json_agg(json_build_object('id', c.id, 'code', c.code,"
        "                                                    'name', c.name) ORDER BY c.code)"
        "                    FROM user_company uc JOIN company c ON c.id = uc.company_id"
        "                   WHERE uc.user_id = u.id))"
        "  FROM app_user u WHERE u.id = app_user_id()";

    (void)c;
    request_reply(rq, who, NONE);
    return true;
}

/* The old password once more, against a session left open on a shared machine. All sessions
 * of the user end; the answer is a new one. */
bool
password_change(struct rq *rq, struct call *c)
{
    const char *old = text_of(c->json, "old_password"), *fresh = text_of(c->json, "password");
    const char *login, *user, *hash;

    if (!old || !fresh)
        return fail(rq, "malformed", old ? "password" : "old_password",
                    "Send the old password and the new one");
    if (!db_must(rq, "SELECT lower(login) FROM app_user WHERE id = $1", P(rq->user_id),
                 OUT(&login)))
        return false;
    c->retry_after = must_wait(login, c->address);
    if (c->retry_after)
        return fail(rq, "too_many_requests", NULL, "Too many attempts to sign in: wait a while");
    if (!check_password(rq, login, old, &user))
        return false;
    if (!user)
        return fail(rq, "wrong_password", "old_password", "This is not the present password");
    limit_forget(per_login, login);
    limit_give(per_address, c->address);
    hash = password_hash(rq->mem, fresh);
    if (!hash)
        return fail(rq, "password_length", "password", "A password has %d to %d characters",
                    PASSWORD_MIN, PASSWORD_MAX);
    db_exec(rq, "SELECT password_set($1, $2)", P(rq->user_id, hash));
    rq->reply = open_session(rq, rq->user_id, "session", NULL, c->address);
    return rq->reply != NULL;
}

/* A key for a program: shown once, for the user himself or, by those who may change users, for
 * another one of his company. */
bool
api_key_create(struct rq *rq, struct call *c)
{
    const char *name = text_of(c->json, "name"), *login = text_of(c->json, "login");
    const char *user = rq->user_id;

    if (!name || !*name)
        return fail(rq, "required", "name", "Give the key a name");
    if (login && !db_one(rq,
                         "SELECT u.id FROM app_user u JOIN user_company c ON c.user_id = u.id"
                         " WHERE u.login = $1 AND u.active AND c.company_id = app_company()",
                         P(login), OUT(&user)))
        return false;
    if (!user)
        return fail(rq, "unknown_reference", "login", "There is no such user");
    rq->status = 201;
    rq->reply = open_session(rq, user, "api_key", name, c->address);
    return rq->reply != NULL;
}

bool
api_key_list(struct rq *rq, struct call *c)
{
    (void)c;
    request_reply(rq, "SELECT api_key_list()", NONE);
    return true;
}

bool
api_key_delete(struct rq *rq, struct call *c)
{
    rq->status = 204;
    return db_exec(rq, "SELECT api_key_revoke($1)", P(c->record));
}
