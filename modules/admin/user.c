/*
 * Users: their passwords and the companies that they work for.
 *
 * Passwords leave this file as Argon2id only, through a gate of the database that also ends the
 * user's sessions.
 */
#include "core/base/password.h"
#include "modules/admin/admin.h"

static const char *
sent(const struct rq *rq, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rq->body, name));
}

static const char set_password[] =
    "SELECT count(password_set(id, $2)) FROM unnest($1::bigint[]) u (id)";

/* Errors: weak_password (password) */
static bool
password_store(struct rq *rq, const char *field)
{
    const char *password = sent(rq, field), *hash = NULL;

    if (password)
        hash = password_hash(rq->mem, password);
    if (!hash)
        return fail(rq, "weak_password", field, "A password has at least %d characters",
                    PASSWORD_MIN);
    return db_exec(rq, set_password, P(rq->ids, hash));
}

/* An administrator gives a user a password. */
static bool
user_set_password(struct rq *rq)
{
    return password_store(rq, "password");
}

static const char own_password[] =
    "SELECT s.password FROM app_user u, signin_lookup(u.login) s"
    " WHERE u.id = app_user_id() AND ARRAY[u.id] = $1::bigint[]";

/*
 * Users change their own password, knowing the old one.
 *
 * Errors: forbidden, wrong_password (old_password), weak_password (new_password)
 */
static bool
user_change_password(struct rq *rq)
{
    const char *known, *old = sent(rq, "old_password");

    if (!db_one(rq, own_password, P(rq->ids), OUT(&known)))
        return false;
    if (!known)
        return fail(rq, "forbidden", NULL, "You can change only your own password");
    if (!password_matches(known, old ? old : ""))
        return fail(rq, "wrong_password", "old_password", "The old password is not right");
    return password_store(rq, "new_password");
}

static const char set_companies[] =
    "SELECT user_companies_set($1, ARRAY(SELECT c::bigint FROM"
    " json_array_elements_text($2::json -> 'companies') c))";

/* Errors: companies_missing (companies) */
static bool
user_set_companies(struct rq *rq)
{
    if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(rq->body, "companies")))
        return fail(rq, "companies_missing", "companies", "Name the companies of the user");
    return db_exec(rq, set_companies, P(rq->ids, rq->body_text));
}

bool
user_saved(struct rq *rq)
{
    return db_exec(rq, "SELECT user_companies_set($1, NULL)", P(rq->ids));
}

const struct operation user_operations[] = {
    { .name = "set_password",
      .label = "Set password",
      .run = user_set_password,
      .args = "password:text",
      .help = "Give the user a new password; the user is signed out" },
    { .name = "change_password",
      .label = "Change password",
      .run = user_change_password,
      .args = "old_password:text new_password:text",
      .help = "Change your own password" },
    { .name = "set_companies",
      .label = "Set companies",
      .run = user_set_companies,
      .args = "companies:set",
      .help = "Say which companies the user works for" },
    { 0 },
};
