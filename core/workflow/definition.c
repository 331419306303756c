/*
 * definition.c - the snapshot that all threads share, and the look-ups in it.
 *
 * The epoch is a clock value that a trigger moves whenever a definition's row changes; so a
 * snapshot belongs to one content, even to one that was rolled back later.
 */
#include "core/workflow/definition.h"

#include "core/base/log.h"
#include "core/base/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A snapshot with its own memory, freed with its last user. */
struct shared {
    struct definitions d; /* first: users get a pointer to it */
    struct arena *mem;
    int users;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared *current;

static void
shared_drop(struct shared *s)
{
    if (--s->users > 0)
        return;
    arena_free(s->mem);
    free(s);
}

static void
release(void *thing)
{
    pthread_mutex_lock(&lock);
    shared_drop(thing);
    pthread_mutex_unlock(&lock);
}

/* ------------------------------------------------------------------------------- reading */

static void
json_delete(void *json)
{
    cJSON_Delete(json);
}

static const cJSON *
parse_kept(struct arena *mem, const char *text)
{
    cJSON *json = cJSON_Parse(text);

    arena_defer(mem, json_delete, json);
    return json;
}

/* What is wrong in a stored definition stops only what it is about; the log tells. */
static void
log_findings(struct rq *rq, const char *what, const char *id)
{
    for (const struct error *e = rq->errors; e; e = e->next)
        log_error("definition is not valid", what, id, "place", e->field ? e->field : "", "message",
                  e->message);
    rq->errors = NULL;
}

static void
read_workflows(struct rq *rq, struct shared *s, const struct rows *rows)
{
    struct workflow *w = arena_alloc(s->mem, (size_t)(rows->count + 1) * sizeof *w);

    for (int i = 0; i < rows->count; i++) {
        workflow_parse(rq, s->mem, parse_kept(s->mem, cell(rows, i, 3)), &w[i]);
        log_findings(rq, "workflow", cell(rows, i, 0));
        w[i].id = arena_strdup(s->mem, cell(rows, i, 0));
        w[i].entity = arena_strdup(s->mem, cell(rows, i, 1));
        w[i].active = *cell(rows, i, 2) == 't';
        w[i].version = (int)strtol(cell(rows, i, 4), NULL, 10);
    }
    s->d.workflows = w;
    s->d.nworkflows = rows->count;
}

static void
read_rules(struct rq *rq, struct shared *s, const struct rows *rows)
{
    struct rule *r = arena_alloc(s->mem, (size_t)(rows->count + 1) * sizeof *r);
    int n = 0;

    for (int i = 0; i < rows->count; i++) {
        const char *name = arena_strdup(s->mem, cell(rows, i, 0));
        const char *entity = arena_strdup(s->mem, cell(rows, i, 1));
        bool valid =
            rule_parse(rq, s->mem, parse_kept(s->mem, cell(rows, i, 2)), entity, name, &r[n]);

        log_findings(rq, "rule", name);
        n += valid || r[n].check.error; /* a broken condition must stop, not be forgotten */
    }
    s->d.rules = r;
    s->d.nrules = n;
}

static struct shared *
load(struct rq *rq, const char *epoch)
{
    struct error *before = rq->errors;
    struct rows workflows, rules;

    if (!db_rows(rq,
                 "SELECT id, entity, status = 'active', definition, version FROM workflow"
                 " WHERE status <> 'draft' ORDER BY entity, version",
                 NONE, &workflows) ||
        !db_rows(rq,
                 "SELECT name, entity, definition FROM workflow_rule WHERE active"
                 " ORDER BY position, id",
                 NONE, &rules))
        return NULL;
    struct shared *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->mem = arena_new();
    s->d.epoch = arena_strdup(s->mem, epoch);
    rq->errors = NULL;
    read_workflows(rq, s, &workflows);
    read_rules(rq, s, &rules);
    rq->errors = before;
    return s;
}

/* ------------------------------------------------------------------------------- sharing */

static const struct definitions *
share(struct rq *rq, struct shared *s)
{
    s->users++;
    arena_defer(rq->mem, release, s);
    return &s->d;
}

static const struct definitions *
find_current(struct rq *rq, const char *epoch)
{
    const struct definitions *d = NULL;

    pthread_mutex_lock(&lock);
    if (current && (!epoch || !strcmp(current->d.epoch, epoch)))
        d = share(rq, current);
    pthread_mutex_unlock(&lock);
    return d;
}

const struct definitions *
definitions_get(struct rq *rq)
{
    const char *epoch = request_workflow_epoch(rq);
    const struct definitions *known = request_is_waiting(rq) ? find_current(rq, NULL) : NULL;

    if (known) {
        request_assume_workflow(rq, known->epoch);
        return known;
    }
    if (!epoch)
        epoch = db_text(rq, "SELECT value FROM epoch WHERE name = 'workflow'", NONE);
    if (!epoch)
        return NULL;
    const struct definitions *d = find_current(rq, epoch);

    if (d)
        return d;
    struct shared *s = load(rq, epoch);

    if (!s)
        return NULL;
    pthread_mutex_lock(&lock);
    struct shared *old = current;

    current = s;
    s->users++;
    d = share(rq, s);
    if (old)
        shared_drop(old);
    pthread_mutex_unlock(&lock);
    return d;
}

/* ------------------------------------------------------------------------------ look-ups */

const struct workflow *
definitions_workflow(const struct definitions *d, const char *id)
{
    for (int i = 0; id && i < d->nworkflows; i++)
        if (!strcmp(d->workflows[i].id, id))
            return &d->workflows[i];
    return NULL;
}

const struct workflow *
definitions_active(const struct definitions *d, const char *entity)
{
    for (int i = 0; i < d->nworkflows; i++)
        if (d->workflows[i].active && !strcmp(d->workflows[i].entity, entity))
            return &d->workflows[i];
    return NULL;
}

const struct rule *
definitions_rule(const struct definitions *d, const char *name)
{
    for (int i = 0; i < d->nrules; i++)
        if (!strcmp(d->rules[i].name, name))
            return &d->rules[i];
    return NULL;
}

const struct transition *
workflow_transition(const struct workflow *w, const char *action)
{
    for (int i = 0; i < w->ntransitions; i++)
        if (!strcmp(w->transitions[i].action, action))
            return &w->transitions[i];
    return NULL;
}

const struct state *
workflow_state(const struct workflow *w, const char *name)
{
    for (int i = 0; i < w->nstates; i++)
        if (!strcmp(w->states[i].name, name))
            return &w->states[i];
    return NULL;
}

bool
state_allows(const struct workflow *w, const char *name, const struct operation *op)
{
    const struct state *s = workflow_state(w, name);
    const char *like = s ? s->like : name;
    struct arena *mem = arena_new();
    bool allowed = true;

    for (const char *word; op->from && allowed && (word = str_word(mem, &like));)
        allowed = str_word_in(op->from, word);
    arena_free(mem);
    return allowed;
}

static bool
is_chinese(const struct rq *rq)
{
    return rq->language && str_starts(rq->language, "zh");
}

const char *
transition_label(const struct rq *rq, const struct transition *t)
{
    return is_chinese(rq) && t->label_zh ? t->label_zh : t->label;
}

const char *
state_label(const struct rq *rq, const struct workflow *w, const char *name)
{
    const struct state *s = w ? workflow_state(w, name) : NULL;

    if (!s)
        return name;
    return is_chinese(rq) && s->label_zh ? s->label_zh : s->label;
}
