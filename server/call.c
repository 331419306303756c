/*
 * call.c - what every call needs: the body read with care, the answer, and problems in the
 * form of RFC 9457.
 */
#include "server/call.h"
#include "core/base/str.h"
#include "core/base/tr.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static void
random_bytes(unsigned char *to, size_t n)
{
    if (getrandom(to, n, 0) != (ssize_t)n) {
        fputs("no random numbers from the kernel\n", stderr);
        abort();
    }
}

struct call *
call_new(void)
{
    struct arena *mem = arena_new();
    struct call *c = arena_alloc(mem, sizeof *c);
    unsigned char random[8];

    c->mem = mem;
    c->body = c->address = c->head.method = c->head.target = "";
    c->language = "en";
    c->media_type = "application/json";
    random_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(c->id + 2 * i, 3, "%02x", random[i]);
    clock_gettime(CLOCK_MONOTONIC, &c->began);
    return c;
}

void
call_free(struct call *c)
{
    arena_free(c->work);
    arena_free(c->mem);
}

void
call_reply(struct call *c, int status, const char *json)
{
    c->status = status;
    c->reply = arena_strdup(c->mem, json ? json : "");
    c->reply_length = strlen(c->reply);
    c->media_type = "application/json";
}

void
call_reply_file(struct call *c, const char *bytes, size_t n, const char *media_type,
                const char *file_name)
{
    char *copy = arena_alloc(c->mem, n + 1);

    memcpy(copy, bytes, n);
    c->status = 200;
    c->reply = copy;
    c->reply_length = n;
    c->media_type = arena_strdup(c->mem, media_type);
    c->file_name = arena_strdup(c->mem, file_name);
}

/* -------------------------------------------------------------------------- problems */

static const struct {
    int status;
    const char *title;
} titles[] = {
    { 400, TR_LATER("The request is malformed") },
    { 401, TR_LATER("Not signed in") },
    { 403, TR_LATER("Not allowed") },
    { 404, TR_LATER("Not found") },
    { 405, TR_LATER("Not possible here") },
    { 408, TR_LATER("Too slow") },
    { 409, TR_LATER("Not possible in this state") },
    { 411, TR_LATER("The length is missing") },
    { 412, TR_LATER("Changed by somebody else") },
    { 413, TR_LATER("Too large") },
    { 414, TR_LATER("The address is too long") },
    { 415, TR_LATER("Not this kind of content") },
    { 417, TR_LATER("Not expected") },
    { 422, TR_LATER("The request cannot be carried out") },
    { 429, TR_LATER("Too many requests") },
    { 431, TR_LATER("Too many headers") },
    { 500, TR_LATER("Something went wrong here") },
    { 501, TR_LATER("This method is not known") },
    { 503, TR_LATER("Not available at the moment") },
    { 505, TR_LATER("This version of HTTP is not spoken here") },
};

static const char *
title_of(int status)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return TR_LATER("The request cannot be carried out");
}

static void
add_error(struct str *s, const struct error *e)
{
    str_add(s, "{\"field\":");
    str_json(s, e->field);
    str_add(s, ",\"code\":");
    str_json(s, e->code);
    str_add(s, ",\"message\":");
    str_json(s, e->message);
    str_char(s, '}');
}

static void
problem(struct call *c, int status, const struct error *errors)
{
    struct str s = str_new(c->mem);

    str_printf(&s, "{\"type\":\"urn:tenon:problem:%s\",\"title\":", errors->code);
    str_json(&s, tr_find(c->language, title_of(status)));
    str_printf(&s, ",\"status\":%d,\"detail\":", status);
    str_json(&s, errors->message);
    str_add(&s, ",\"code\":");
    str_json(&s, errors->code);
    str_add(&s, ",\"errors\":[");
    for (const struct error *e = errors; e; e = e->next) {
        if (e != errors)
            str_char(&s, ',');
        add_error(&s, e);
    }
    str_printf(&s, "],\"request_id\":\"%s\"}", c->id);
    call_reply(c, status, s.text);
    c->media_type = "application/problem+json";
    c->location = c->etag = NULL;
    if ((status == 503 || status == 429) && !c->retry_after)
        c->retry_after = 1;
}

void
call_problem(struct call *c, const struct error *errors)
{
    if (errors)
        problem(c, error_status(errors->code), errors);
    else
        call_fail(c, "internal", TR_LATER("Something went wrong here"));
}

void
call_fail(struct call *c, const char *code, const char *message)
{
    call_problem(c, &(struct error){ code, NULL, tr_find(c->language, message), NULL });
}

void
call_refuse(struct call *c, const struct refusal *why)
{
    problem(c, why->status,
            &(struct error){ why->code, NULL, tr_find(c->language, why->message), NULL });
}

/* ------------------------------------------------------------------------------ bodies */

static bool
refuse(struct refusal *why, int status, const char *code, const char *message)
{
    *why = (struct refusal){ status, code, message };
    return false;
}

/* Deep nesting and \u0000, which PostgreSQL cannot keep, are found before anything is built. */
static bool
check_json(const char *text, int depth_limit, struct refusal *why)
{
    bool quoted = false;
    int depth = 0;

    for (const char *p = text; *p; p++) {
        if (quoted && *p == '\\') {
            if (!strncmp(p, "\\u0000", 6))
                return refuse(why, 400, "malformed", "The body holds a NUL character");
            if (p[1])
                p++;
        } else if (*p == '"') {
            quoted = !quoted;
        } else if (!quoted && (*p == '{' || *p == '[') && ++depth > depth_limit) {
            return refuse(why, 400, "malformed", "The body is nested too deeply");
        } else if (!quoted && (*p == '}' || *p == ']')) {
            depth--;
        }
    }
    return true;
}

static bool
is_json(const char *media_type)
{
    size_t n = strcspn(media_type, "; \t");

    return (n == 16 && !strncasecmp(media_type, "application/json", n)) ||
           (n == 28 && !strncasecmp(media_type, "application/merge-patch+json", n));
}

static void
delete_json(void *tree)
{
    cJSON_Delete(tree);
}

bool
call_parse(struct call *c, int depth_limit, struct refusal *why)
{
    const char *type = head_find(&c->head, "Content-Type");

    if (!c->length)
        c->body = "{}";
    else if (!type || !is_json(type))
        return refuse(why, 415, "media_type", "Send the body as application/json");
    if (!str_is_utf8(c->body, c->length ? c->length : 2))
        return refuse(why, 400, "malformed", "The body is not UTF-8");
    if (!check_json(c->body, depth_limit, why))
        return false;
    cJSON *tree = cJSON_ParseWithOpts(c->body, NULL, true);

    if (!tree)
        return refuse(why, 400, "malformed", "The body is not JSON");
    arena_defer(c->mem, delete_json, tree);
    c->json = tree;
    return cJSON_IsObject(tree) || refuse(why, 400, "malformed", "The body is not a JSON object");
}

/* ------------------------------------------------------------------------------ secrets */

const char *
sha256_text(struct arena *mem, const void *bytes, size_t n)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char *text = arena_alloc(mem, 2 + 2 * sizeof hash + 1);

    SHA256(bytes, n, hash);
    text[0] = '\\';
    text[1] = 'x';
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", hash[i]);
    return text;
}

const char *
token_new(struct arena *mem)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char random[32];
    char *text = arena_alloc(mem, 44);
    unsigned bits = 0, held = 0;
    size_t n = 0;

    random_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        held = held << 8 | random[i];
        for (bits += 8; bits >= 6; bits -= 6)
            text[n++] = letters[held >> (bits - 6) & 63];
    }
    text[n++] = letters[held << (6 - bits) & 63];
    return text;
}
