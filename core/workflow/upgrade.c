/*
 * upgrade.c - what the server, tenonctl and the tests do before they use a database.
 */
#include "core/workflow/upgrade.h"
#include "core/db/migrate.h"
#include "core/workflow/workflow.h"

static const char *const *
module_names(struct arena *mem)
{
    int n = 0;

    while (modules[n])
        n++;
    const char **names = arena_alloc(mem, (size_t)(n + 1) * sizeof *names);

    for (int i = 0; i < n; i++)
        names[i] = modules[i]->name;
    return names;
}

static bool
workflows_ship(struct arena *mem, const char *admin, const char **error)
{
    struct rq rq = { .mem = arena_new(), .language = "en", .id = "upgrade", .body_text = "{}" };

    rq.db = db_open(mem, admin, error);
    if (!rq.db) {
        arena_free(rq.mem);
        return false;
    }
    db_begin(&rq, false);
    db_exec(&rq, "SET LOCAL ROLE tenon_owner", NONE);
    db_exec(&rq, "SET LOCAL search_path = tenon", NONE);
    bool good = workflow_ship(&rq) && db_commit(&rq);

    if (!good)
        *error = arena_printf(mem, "The shipped workflows cannot be loaded: %s",
                              rq.errors ? rq.errors->message : "no reason was given");
    db_close(rq.db);
    arena_free(rq.mem);
    return good;
}

bool
upgrade(struct arena *mem, const char *admin, const char *app_password, int *applied,
        const char **error)
{
    return migrate(mem, admin, app_password, module_names(mem), applied, error) &&
           workflows_ship(mem, admin, error);
}
