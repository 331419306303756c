/*
 * story.c - steps, and what they set off: new documents of the flow, rules that fired.
 */
#include "tests/client/story.h"
#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ACTORS = 16, DOCUMENTS = 256 };

struct story {
    struct arena *mem;
    const char *url, *password, *problem;
    bool loud;
    struct {
        const char *login;
        struct client *client;
    } actors[ACTORS];
    struct client *watch; /* looks on as admin; the actors' answers stay */
    const struct answer *last;
    const char *entity, *id; /* whose flow is followed */
    const char *seen[DOCUMENTS];
    int nseen;
    double last_rule; /* the newest run of a rule that was told */
    double ms;
    int steps;
};

struct story *
story_new(const char *url, const char *password, bool loud)
{
    struct arena *mem = arena_new();
    struct story *s = arena_alloc(mem, sizeof *s);

    *s = (struct story){ .mem = mem, .url = url, .password = password, .loud = loud };
    return s;
}

void
story_free(struct story *s)
{
    for (int i = 0; i < ACTORS && s->actors[i].login; i++)
        client_free(s->actors[i].client);
    if (s->watch)
        client_free(s->watch);
    arena_free(s->mem);
}

const char *
story_problem(const struct story *s)
{
    return s->problem;
}

double
story_ms(const struct story *s)
{
    return s->ms;
}

int
story_steps(const struct story *s)
{
    return s->steps;
}

struct arena *
story_mem(struct story *s)
{
    return s->mem;
}

/* ------------------------------------------------------------------------------ who and what */

static void
stop(struct story *s, const char *what, const struct answer *a)
{
    if (!s->problem)
        s->problem = arena_printf(s->mem, "%s: %ld %s", what, a ? a->status : 0,
                                  !a                   ? ""
                                  : *answer_problem(a) ? answer_problem(a)
                                                       : a->text);
}

static struct client *
actor(struct story *s, const char *login)
{
    int i = 0;

    while (i < ACTORS - 1 && s->actors[i].login && strcmp(s->actors[i].login, login) != 0)
        i++;
    if (!s->actors[i].login) {
        s->actors[i].login = login;
        s->actors[i].client = client_new(s->url);
        if (!client_sign_in(s->actors[i].client, login, s->password))
            stop(s, arena_printf(s->mem, "%s cannot sign in", login), NULL);
    }
    return s->actors[i].client;
}

static struct client *
observer(struct story *s)
{
    if (!s->watch) {
        s->watch = client_new(s->url);
        if (!client_sign_in(s->watch, "admin", s->password))
            stop(s, "admin cannot sign in", NULL);
    }
    return s->watch;
}

#define FORMATTED(mem, text, format)                                                               \
    do {                                                                                           \
        char buffer[512];                                                                          \
        va_list ap;                                                                                \
        va_start(ap, format);                                                                      \
        vsnprintf(buffer, sizeof buffer, format, ap);                                              \
        va_end(ap);                                                                                \
        text = arena_strdup(mem, buffer);                                                          \
    } while (0)

void
story_say(struct story *s, const char *format, ...)
{
    const char *text;

    FORMATTED(s->mem, text, format);
    if (s->loud && !s->problem)
        printf("%s\n", text);
}

/* ------------------------------------------------------------------------------ what followed */

static const char *
text_of(const cJSON *json, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));

    return text ? text : "";
}

static double
number_of(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* Rules that fired on a record since the last look. */
static void
tell_rules(struct story *s, const char *entity, const char *id)
{
    const struct answer *a = client_get(observer(s), "/api/%s/%s/rules", entity, id);
    const cJSON *items = cJSON_GetObjectItem(a->json, "items");
    double newest = s->last_rule;

    for (int i = cJSON_GetArraySize(items); i-- > 0;) {
        const cJSON *run = cJSON_GetArrayItem(items, i);
        double at = number_of(run, "id");

        if (at <= s->last_rule || strcmp(text_of(run, "outcome"), "fired") != 0)
            continue;
        printf("        %-11s rule %s\n", "", text_of(run, "rule"));
        newest = at > newest ? at : newest;
    }
    s->last_rule = newest;
}

static bool
is_new(struct story *s, const char *key)
{
    for (int i = 0; i < s->nseen; i++)
        if (!strcmp(s->seen[i], key))
            return false;
    if (s->nseen < DOCUMENTS)
        s->seen[s->nseen++] = arena_strdup(s->mem, key);
    return true;
}

static void
tell_document(const cJSON *d)
{
    const cJSON *amounts = cJSON_GetObjectItem(d, "amounts");
    const char *money = text_of(amounts, "total");

    if (!*money)
        money = text_of(amounts, "amount");
    printf("        %-11s + %s %s, %s%s%s %s\n", "", text_of(d, "label"), text_of(d, "number"),
           text_of(d, "state_label"), *money ? ", " : "", money,
           *money ? text_of(d, "currency_code") : "");
}

/* Documents that came into the flow since the last look; told when loud. */
static void
look_around(struct story *s, bool tell)
{
    const struct answer *a;
    const cJSON *d;

    if (!s->entity)
        return;
    a = client_get(observer(s), "/api/%s/%s/flow", s->entity, s->id);
    cJSON_ArrayForEach(
        d, cJSON_GetObjectItem(a->json,
                               "documents")) if (is_new(s, arena_printf(s->mem, "%s/%.0f",
                                                                        text_of(d, "entity"),
                                                                        number_of(d, "id"))) &&
                                                 tell && s->loud) tell_document(d);
}

void
story_follow(struct story *s, const char *entity, const char *id)
{
    s->entity = arena_strdup(s->mem, entity);
    s->id = arena_strdup(s->mem, id);
    s->nseen = 0;
    if (!s->problem)
        look_around(s, false);
}

/* ------------------------------------------------------------------------------------- steps */

static const struct answer *
call(struct story *s, const char *who, const char *body, const char *path)
{
    struct client *c = actor(s, who);

    s->steps++;
    s->last = client_call(c, "POST", path, body ? body : "{}");
    s->ms += s->last->ms;
    return s->last;
}

/* "/api/invoice/7/post" -> "invoice", "7"; id NULL for "/api/invoice". */
static bool
record_of(struct story *s, const char *path, const char **entity, const char **id)
{
    const char *rest = strncmp(path, "/api/", 5) ? NULL : path + 5;
    size_t n = rest ? strcspn(rest, "/?") : 0;

    if (!n)
        return false;
    *entity = arena_strndup(s->mem, rest, n);
    rest += n + (rest[n] == '/');
    n = strspn(rest, "0123456789");
    *id = n ? arena_strndup(s->mem, rest, n) : NULL;
    return true;
}

static const char *
id_in(struct story *s, const struct answer *a)
{
    static const char *const places[] = { "record.id", "id", "case.id" };

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (answer_get(a, places[i]))
            return arena_strdup(s->mem, answer_get(a, places[i]));
    return "0";
}

const char *
story_do(struct story *s, const char *who, const char *what, const char *body, const char *path,
         ...)
{
    const char *to, *entity, *id, *result;
    const struct answer *a;

    FORMATTED(s->mem, to, path);
    if (s->problem)
        return "0";
    a = call(s, who, body, to);
    if (a->status / 100 != 2) {
        stop(s, what, a);
        return "0";
    }
    result = id_in(s, a);
    if (s->loud) {
        printf("  %3d  %-11s %-62s %8.1f ms\n", s->steps, who, what, a->ms);
        if (record_of(s, to, &entity, &id) && (id || strcmp(result, "0") != 0))
            tell_rules(s, entity, id ? id : result);
    }
    look_around(s, true);
    fflush(stdout);
    return result;
}

void
story_refused(struct story *s, const char *who, const char *what, const char *code,
              const char *body, const char *path, ...)
{
    const char *to;
    const struct answer *a;

    FORMATTED(s->mem, to, path);
    if (s->problem)
        return;
    a = call(s, who, body, to);
    if (strcmp(story_answer(s, "errors.0.code"), code) && strcmp(story_answer(s, "code"), code)) {
        stop(s, what, a);
        return;
    }
    if (s->loud)
        printf("  %3d  %-11s %-62s %8.1f ms\n        %-11s refused: %s\n", s->steps, who, what,
               a->ms, "", answer_problem(a));
}

const char *
story_answer(struct story *s, const char *path)
{
    const char *text = s->last ? answer_get(s->last, path) : NULL;

    return text ? arena_strdup(s->mem, text) : "";
}

const char *
story_get(struct story *s, const char *field, const char *path, ...)
{
    const char *from, *text;

    FORMATTED(s->mem, from, path);
    if (s->problem)
        return "";
    text = answer_get(client_get(observer(s), "%s", from), field);
    return text ? arena_strdup(s->mem, text) : "";
}

/* ----------------------------------------------------------------------------------- waiting */

static void
moment(void)
{
    nanosleep(&(struct timespec){ 0, 50 * 1000 * 1000 }, NULL);
}

void
story_wait(struct story *s, const char *field, const char *value, const char *path, ...)
{
    const char *from, *is = "";

    FORMATTED(s->mem, from, path);
    for (int i = 0; i < 300 && !s->problem; i++) {
        is = story_get(s, field, "%s", from);
        if (!strcmp(is, value)) {
            look_around(s, true);
            return;
        }
        moment();
    }
    stop(s, arena_printf(s->mem, "%s of %s should become %s, is %s", field, from, value, is), NULL);
}

/* The newest such document in an answer of /flow; NULL for none. */
static const char *
newest(struct story *s, const struct answer *a, const char *entity, const char *states)
{
    const cJSON *d;
    double found = 0;

    cJSON_ArrayForEach(
        d, cJSON_GetObjectItem(
               a->json, "documents")) if (!strcmp(text_of(d, "entity"), entity) &&
                                          number_of(d, "id") > found &&
                                          (!states || str_word_in(states, text_of(d, "state"))))
        found = number_of(d, "id");
    return found > 0 ? arena_printf(s->mem, "%.0f", found) : NULL;
}

const char *
story_find(struct story *s, const char *entity, const char *states, const char *of, const char *id)
{
    for (int i = 0; i < 200 && !s->problem; i++) {
        const char *found =
            newest(s, client_get(observer(s), "/api/%s/%s/flow", of, id), entity, states);

        if (found) {
            look_around(s, true);
            return found;
        }
        moment();
    }
    stop(s,
         arena_printf(s->mem, "no %s (%s) in the flow of %s %s", entity, states ? states : "any",
                      of, id),
         NULL);
    return "0";
}

/* -------------------------------------------------------------------------------------- tree */

static int
place_of(const cJSON *documents, const cJSON *end)
{
    for (int i = 0; i < cJSON_GetArraySize(documents); i++) {
        const cJSON *d = cJSON_GetArrayItem(documents, i);

        if (!strcmp(text_of(d, "entity"), text_of(end, "entity")) &&
            (long)number_of(d, "id") == (long)number_of(end, "id"))
            return i;
    }
    return -1;
}

/* Of all that a document came from, the latest; -1 for none. */
static int
parent_of(const cJSON *documents, const cJSON *links, int child)
{
    const cJSON *link;
    int parent = -1;

    cJSON_ArrayForEach(link, links)
    {
        int from = place_of(documents, cJSON_GetObjectItem(link, "from"));

        if (place_of(documents, cJSON_GetObjectItem(link, "to")) == child && from != child &&
            from > parent && from < child)
            parent = from;
    }
    return parent;
}

static void
branch(const cJSON *documents, const int *parents, int of, const char *indent, struct arena *mem)
{
    int n = cJSON_GetArraySize(documents), last = -1;

    for (int i = 0; i < n; i++)
        if (parents[i] == of)
            last = i;
    for (int i = 0; i < n; i++) {
        const cJSON *d = cJSON_GetArrayItem(documents, i),
                    *amounts = cJSON_GetObjectItem(d, "amounts");
        const char *money = text_of(amounts, "total");

        if (parents[i] != of)
            continue;
        printf("  %s%s%s %s  %s  %s %s\n", indent,
               of < 0      ? ""
               : i == last ? "└─ "
                           : "├─ ",
               text_of(d, "label"), text_of(d, "number"), text_of(d, "state_label"),
               *money ? money : text_of(amounts, "amount"), text_of(d, "date"));
        branch(documents, parents, i,
               arena_printf(mem, "%s%s", indent,
                            of < 0      ? ""
                            : i == last ? "   "
                                        : "│  "),
               mem);
    }
}

void
story_tree(struct story *s)
{
    const struct answer *a;
    const cJSON *documents, *links;
    int *parents;

    if (s->problem || !s->loud)
        return;
    a = client_get(observer(s), "/api/%s/%s/flow", s->entity, s->id);
    documents = cJSON_GetObjectItem(a->json, "documents");
    links = cJSON_GetObjectItem(a->json, "links");
    parents = arena_alloc(s->mem, (size_t)(cJSON_GetArraySize(documents) + 1) * sizeof *parents);
    for (int i = 0; i < cJSON_GetArraySize(documents); i++)
        parents[i] = parent_of(documents, links, i);
    branch(documents, parents, -1, "", s->mem);
}
