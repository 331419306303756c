/*
 * client.c - libcurl, with everything an answer carries kept on an arena per call.
 */
#include "tests/client/client.h"
#include "core/base/arena.h"
#include "core/base/str.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { HEADERS = 8 };

struct client {
    CURL *curl;
    struct arena *mem;  /* lives as long as the client */
    struct arena *call; /* until the next call */
    const char *base;
    const char *headers[HEADERS];
    const char *next_key;
    struct str body;
    struct answer answer;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t
on_body(char *data, size_t one, size_t n, void *client)
{
    struct client *c = client;

    str_add_n(&c->body, data, one * n);
    return one * n;
}

/* The value when the line is this header. */
static const char *
header_value(struct client *c, const char *line, size_t n, const char *name)
{
    size_t len = strlen(name);

    if (n <= len || strncasecmp(line, name, len))
        return NULL;
    line += len;
    n -= len;
    while (n && (*line == ' ' || *line == ':')) {
        line++;
        n--;
    }
    while (n && (line[n - 1] == '\r' || line[n - 1] == '\n'))
        n--;
    return arena_strndup(c->call, line, n);
}

static size_t
on_header(char *line, size_t one, size_t n, void *client)
{
    struct client *c = client;
    const char *value;

    n *= one;
    if ((value = header_value(c, line, n, "etag:")))
        c->answer.etag = value;
    else if ((value = header_value(c, line, n, "location:")))
        c->answer.location = value;
    else if ((value = header_value(c, line, n, "x-request-id:")))
        c->answer.request_id = value;
    else if ((value = header_value(c, line, n, "x-tenon-syncs:")))
        c->answer.syncs = strtol(value, NULL, 10);
    return n;
}

struct client *
client_new(const char *base)
{
    struct arena *mem = arena_new();
    struct client *c = arena_alloc(mem, sizeof *c);

    pthread_once(&once, start_curl);
    c->mem = mem;
    c->call = arena_new();
    c->base = arena_strdup(mem, base);
    c->curl = curl_easy_init();
    return c;
}

static void
forget_answer(struct client *c)
{
    cJSON_Delete(c->answer.json);
    arena_reset(c->call);
    c->answer = (struct answer){ .text = "", .syncs = -1 };
}

void
client_free(struct client *c)
{
    if (!c)
        return;
    forget_answer(c);
    curl_easy_cleanup(c->curl);
    arena_free(c->call);
    arena_free(c->mem);
}

void
client_set_header(struct client *c, const char *header)
{
    size_t name = strcspn(header, ":") + 1;

    for (int i = 0; i < HEADERS; i++)
        if (!c->headers[i] || !strncasecmp(c->headers[i], header, name)) {
            c->headers[i] = arena_strdup(c->mem, header);
            return;
        }
}

void
client_set_token(struct client *c, const char *token)
{
    client_set_header(c, arena_printf(c->mem, "Authorization: Bearer %s", token));
}

void
client_next_key(struct client *c, const char *key)
{
    c->next_key = arena_strdup(c->mem, key);
}

static const char *
fresh_key(struct client *c)
{
    uint64_t random[2];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort();
    return arena_printf(c->call, "%016llx%016llx", (unsigned long long)random[0],
                        (unsigned long long)random[1]);
}

static struct curl_slist *
headers_of(struct client *c, const char *method, const char *body)
{
    struct curl_slist *list = NULL;
    bool write = strcmp(method, "GET") && strcmp(method, "HEAD");
    const char *key = c->next_key ? c->next_key : write ? fresh_key(c) : "";

    c->next_key = NULL;
    bool typed = !body;

    for (int i = 0; i < HEADERS && c->headers[i]; i++) {
        list = curl_slist_append(list, c->headers[i]);
        typed = typed || !strncasecmp(c->headers[i], "Content-Type:", 13);
    }
    if (*key)
        list = curl_slist_append(list, arena_printf(c->call, "Idempotency-Key: %s", key));
    if (!typed)
        list = curl_slist_append(list, "Content-Type: application/json");
    return curl_slist_append(list, "Expect:");
}

const struct answer *
client_call(struct client *c, const char *method, const char *path, const char *body)
{
    struct arena *keep = arena_new(); /* path and body may lie in the last answer */
    curl_off_t us = 0;

    path = arena_printf(keep, "%s%s", c->base, path);
    body = arena_strdup(keep, body);
    forget_answer(c);
    c->body = str_new(c->call);
    curl_easy_reset(c->curl);
    struct curl_slist *headers = headers_of(c, method, body);

    curl_easy_setopt(c->curl, CURLOPT_URL, path);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, 120L);
    curl_easy_setopt(c->curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
    if (body)
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(c->curl);

    curl_slist_free_all(headers);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &c->answer.status);
    curl_easy_getinfo(c->curl, CURLINFO_TOTAL_TIME_T, &us);
    c->answer.ms = (double)us / 1000;
    if (code != CURLE_OK) {
        c->answer.status = 0;
        c->answer.error = curl_easy_strerror(code);
    }
    c->answer.text = c->body.text;
    c->answer.json = cJSON_Parse(c->body.text);
    arena_free(keep);
    return &c->answer;
}

const struct answer *
client_get(struct client *c, const char *path, ...)
{
    va_list ap;
    struct arena *mem = arena_new();

    va_start(ap, path);
    const struct answer *a = client_call(c, "GET", arena_vprintf(mem, path, ap), NULL);

    va_end(ap);
    arena_free(mem);
    return a;
}

const struct answer *
client_post(struct client *c, const char *body, const char *path, ...)
{
    va_list ap;
    struct arena *mem = arena_new();

    va_start(ap, path);
    const struct answer *a = client_call(c, "POST", arena_vprintf(mem, path, ap), body);

    va_end(ap);
    arena_free(mem);
    return a;
}

bool
client_sign_in(struct client *c, const char *login, const char *password)
{
    struct arena *mem = arena_new();
    struct str body = str_new(mem);

    str_add(&body, "{\"login\":");
    str_json(&body, login);
    str_add(&body, ",\"password\":");
    str_json(&body, password);
    str_char(&body, '}');
    const struct answer *a = client_call(c, "POST", "/api/session", body.text);
    const char *token = answer_get(a, "token");

    if (token)
        client_set_token(c, token);
    arena_free(mem);
    return token != NULL;
}

const char *
answer_get(const struct answer *a, const char *path)
{
    static _Thread_local char number[8][32];
    static _Thread_local unsigned next;
    const cJSON *at = a->json;
    char name[128];

    while (at && *path) {
        size_t n = strcspn(path, ".");

        if (n >= sizeof name)
            return NULL;
        memcpy(name, path, n);
        name[n] = '\0';
        path += n + (path[n] == '.');
        at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, (int)strtol(name, NULL, 10))
                               : cJSON_GetObjectItemCaseSensitive(at, name);
    }
    if (cJSON_IsString(at))
        return at->valuestring;
    if (!cJSON_IsNumber(at))
        return cJSON_IsTrue(at) ? "true" : cJSON_IsFalse(at) ? "false" : NULL;
    next = (next + 1) % 8;
    snprintf(number[next], sizeof number[next], "%.0f", at->valuedouble);
    return number[next];
}

const char *
answer_problem(const struct answer *a)
{
    const char *first = answer_get(a, "errors.0.message");

    if (a->error)
        return a->error;
    if (first)
        return first;
    first = answer_get(a, "detail");
    return first ? first : "";
}
