/*
 * route.h - one table of all addresses: method, pattern, lane, what it needs, handler.
 */
#ifndef TENON_ROUTE_H
#define TENON_ROUTE_H

#include "server/worker.h"

#include <stdatomic.h>

enum {
    ROUTE_OPEN = 1,   /* for anybody: no session is asked for */
    ROUTE_WRITES = 2, /* business data: a transaction that writes, under an Idempotency-Key */
    ROUTE_RAW = 4,    /* the body is not a JSON object */
    ROUTE_TAGGED = 8, /* the answer gets an ETag of its bytes */
    ROUTE_SOON = 16,  /* the gate travels with the handler's first round trip */
};

enum { ROUTE_BUCKETS = 12 };
extern const double route_bounds[ROUTE_BUCKETS]; /* seconds; the last is +Inf */

struct route {
    const char *method;
    /* "/api/:entity/:record/history"; :entity and :action take names, :record digits */
    const char *pattern;
    enum lane lane;
    int flags;
    /* Signed-in calls: inside the request's transaction, which is open; answers through rq
     * (request.h). Others: own a db connection, answer into c. */
    bool (*run)(struct rq *rq, struct call *c);
    void (*run_open)(struct call *c, struct db *db);
    /* The permission that it takes: "create" means "<entity>.create"; NULL: signed in is
     * enough; ":action": the operation named; a word with a dot stands for itself. */
    const char *permission;
};

extern const struct route routes[]; /* ends with { 0 } */
extern const int nroutes;

/* Finds the route and fills c->route, entity, record, action. Otherwise answers into c (404,
 * 405) and returns false. */
bool route_find(struct call *c);

/* Where this very call runs. */
enum lane route_lane(const struct call *c);

/* In a worker's thread: runs the call and fills its answer. */
void route_run(struct call *c, struct db *db);

/* What routes have done, for /metrics. */
struct route_counts {
    atomic_ulong requests[6]; /* by the first digit of the status */
    atomic_ulong buckets[ROUTE_BUCKETS];
    atomic_ulong microseconds;
    atomic_int most_syncs;
};
extern struct route_counts route_counts[];
void route_count(const struct call *c, unsigned long microseconds);

/* Settings that handlers ask for. Set once before the threads start. */
extern const struct conf *route_conf;

#endif
