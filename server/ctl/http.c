/*
 * http.c - libcurl, one connection for the whole command.
 */
#include "server/ctl/http.h"
#include "core/base/instance.h"
#include "core/base/password.h"
#include "core/base/str.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct http_options http_options = { .login = "admin" };

static struct {
    CURL *curl;
    const char *url, *token;
} server;

static size_t
on_body(char *data, size_t one, size_t n, void *text)
{
    str_add_n(text, data, one * n);
    return one * n;
}

static const char *
fresh_key(struct ctl *ctl)
{
    unsigned long long random[2];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        abort();
    return arena_printf(ctl->mem, "%016llx%016llx", random[0], random[1]);
}

/* The server's own certificate as the only trusted one is stronger than its name. */
static void
trust(struct ctl *ctl)
{
    const char *file = http_options.certificate;

    if (!file && !http_options.url)
        file = arena_printf(ctl->mem, "%s/certificate.pem", ctl->data);
    if (!file || access(file, R_OK))
        return;
    curl_easy_setopt(server.curl, CURLOPT_CAINFO, file);
    curl_easy_setopt(server.curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(server.curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

static bool
server_find(struct ctl *ctl)
{
    struct instance running;

    server.url = http_options.url;
    if (!server.url) {
        if (!instance_read(ctl->mem, ctl->data, &running))
            return ctl_fail("No server runs on %s: start it, or name one with --url", ctl->data),
                   false;
        server.url = running.url;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    server.curl = curl_easy_init();
    trust(ctl);
    return true;
}

static struct curl_slist *
headers(struct ctl *ctl, const char *type, bool writes)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    list = curl_slist_append(list, arena_printf(ctl->mem, "Content-Type: %s", type));
    if (server.token)
        list = curl_slist_append(list,
                                 arena_printf(ctl->mem, "Authorization: Bearer %s", server.token));
    if (server.token && writes)
        list =
            curl_slist_append(list, arena_printf(ctl->mem, "Idempotency-Key: %s", fresh_key(ctl)));
    if (http_options.company)
        list = curl_slist_append(
            list, arena_printf(ctl->mem, "X-Tenon-Company: %s", http_options.company));
    return list;
}

static void
forget_json(void *json)
{
    cJSON_Delete(json);
}

static bool
perform(struct ctl *ctl, const char *method, const char *path, const char *type, const char *data,
        size_t size, struct http_reply *reply)
{
    struct str body = str_new(ctl->mem);
    struct curl_slist *list = headers(ctl, type ? type : "application/json", *method != 'G');

    curl_easy_setopt(server.curl, CURLOPT_URL, arena_printf(ctl->mem, "%s%s", server.url, path));
    curl_easy_setopt(server.curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(server.curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(server.curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(server.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(server.curl, CURLOPT_POSTFIELDS, data);
    if (!data)
        curl_easy_setopt(server.curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(server.curl, CURLOPT_CUSTOMREQUEST, method);
    CURLcode rc = curl_easy_perform(server.curl);

    curl_slist_free_all(list);
    if (rc != CURLE_OK)
        return ctl_fail("%s does not answer: %s", server.url, curl_easy_strerror(rc)), false;
    *reply = (struct http_reply){ .text = body.text, .size = body.len };
    curl_easy_getinfo(server.curl, CURLINFO_RESPONSE_CODE, &reply->status);
    reply->json = cJSON_Parse(body.text);
    arena_defer(ctl->mem, forget_json, reply->json);
    return true;
}

static bool
sign_in(struct ctl *ctl)
{
    const char *token = getenv("TENON_TOKEN"), *password;
    struct str body = str_new(ctl->mem);
    struct http_reply reply;

    if (token && *token) {
        server.token = token;
        return true;
    }
    password = ctl_password_typed(ctl, http_options.login);
    if (!password)
        return false;
    str_add(&body, "{\"login\": ");
    str_json(&body, http_options.login);
    str_add(&body, ", \"password\": ");
    str_json(&body, password);
    str_add(&body, "}");
    if (!perform(ctl, "POST", "/api/session", NULL, body.text, body.len, &reply))
        return false;
    if (reply.status / 100 != 2)
        return http_refused(ctl, &reply), false;
    server.token = cJSON_GetStringValue(cJSON_GetObjectItem(reply.json, "token"));
    return server.token || (ctl_fail("%s is no server of Tenon", server.url), false);
}

bool
http_call(struct ctl *ctl, const char *method, const char *path, const char *type, const char *data,
          size_t size, struct http_reply *reply)
{
    if (!server.curl && !server_find(ctl))
        return false;
    return (server.token || sign_in(ctl)) && perform(ctl, method, path, type, data, size, reply);
}

bool
http_must(struct ctl *ctl, const char *method, const char *path, const char *data,
          struct http_reply *reply)
{
    if (!http_call(ctl, method, path, NULL, data, data ? strlen(data) : 0, reply))
        return false;
    return reply->status / 100 == 2 || (http_refused(ctl, reply), false);
}

int
http_refused(struct ctl *ctl, const struct http_reply *reply)
{
    const char *detail = cJSON_GetStringValue(cJSON_GetObjectItem(reply->json, "detail"));
    const cJSON *errors = cJSON_GetObjectItem(reply->json, "errors"), *e;

    (void)ctl;
    ctl_fail("%s", detail ? detail : reply->json ? "The server refuses" : reply->text);
    cJSON_ArrayForEach(e, errors)
    {
        const char *field = cJSON_GetStringValue(cJSON_GetObjectItem(e, "field"));
        const char *message = cJSON_GetStringValue(cJSON_GetObjectItem(e, "message"));

        if (message && (field || !detail || strcmp(message, detail)))
            fprintf(stderr, "    %s%s%s\n", field ? field : "", field ? ": " : "", message);
    }
    return 1;
}

const char *
http_encode(struct ctl *ctl, const char *text)
{
    static const char plain[] =
        "-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct str s = str_new(ctl->mem);

    for (; *text; text++) {
        if (strchr(plain, *text))
            str_char(&s, *text);
        else
            str_printf(&s, "%%%02X", (unsigned char)*text);
    }
    return s.text;
}

char *
file_read(struct ctl *ctl, const char *path, size_t *size)
{
    bool standard = !strcmp(path, "-");
    FILE *f = standard ? stdin : fopen(path, "rbe");
    struct str s = str_new(ctl->mem);
    char buf[8192];
    size_t n;

    if (!f)
        return ctl_fail("%s: %s", path, strerror(errno)), NULL;
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        str_add_n(&s, buf, n);
    bool bad = ferror(f) != 0;

    if (!standard)
        fclose(f);
    if (bad)
        return ctl_fail("%s cannot be read", path), NULL;
    if (size)
        *size = s.len;
    return s.text;
}

bool
file_write(const char *path, const char *data, size_t size)
{
    bool standard = !path || !strcmp(path, "-");
    FILE *f = standard ? stdout : fopen(path, "wbe");

    if (!f)
        return ctl_fail("%s: %s", path, strerror(errno)), false;
    bool good = fwrite(data, 1, size, f) == size;

    if (standard ? fflush(f) : fclose(f))
        good = false;
    return good || (ctl_fail("%s cannot be written", standard ? "standard output" : path), false);
}
