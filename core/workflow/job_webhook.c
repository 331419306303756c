/*
 * job_webhook.c - tells another program. It may be told twice when the answer is lost, so
 * each call carries a key that stays the same: Idempotency-Key.
 */
#include "core/workflow/job.h"

#include <curl/curl.h>
#include <pthread.h>

enum { TIMEOUT_MS = 10000, CONNECT_TIMEOUT_MS = 5000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* The answer's body is not read. */
static size_t
discard(char *data, size_t size, size_t count, void *unused)
{
    (void)data;
    (void)unused;
    return size * count;
}

static CURLcode
post(const char *url, const char *key, const char *body, long *status)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    headers = curl_slist_append(headers, key);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    CURLcode code = curl_easy_perform(curl);

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

bool
job_webhook(struct rq *rq, const struct job *job)
{
    const char *key = arena_printf(rq->mem, "Idempotency-Key: tenon-job-%s", job->id);
    long status = 0;

    if (!job->url || !job->body)
        return fail(rq, "internal", NULL, "The job names no address");
    pthread_once(&once, start_curl);
    CURLcode code = post(job->url, key, job->body, &status);

    if (code != CURLE_OK)
        return fail(rq, "webhook_failed", NULL, "The other program cannot be reached: %s",
                    curl_easy_strerror(code));
    if (status < 200 || status > 299)
        return fail(rq, "webhook_failed", NULL, "The other program answered with status %s",
                    arena_printf(rq->mem, "%ld", status));
    return true;
}
