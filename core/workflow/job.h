/*
 * job.h - the kinds of jobs, for outbox.c.
 */
#ifndef TENON_JOB_H
#define TENON_JOB_H

#include "core/db/request.h"

struct job {
    const char *id, *kind;
    const char *company_id, *actor_id, *language;
    const char *rule, *entity, *record; /* of a rule; no record: all of them */
    const char *url, *body;             /* of a webhook */
    const char *schema_epoch, *workflow_epoch;
};

/* Run a rule on the record of an event or a date, or on all records of a schedule. */
bool job_rule(struct rq *rq, const struct job *job);

/* POST the payload's body to its url; anything but 2xx is a failure. */
bool job_webhook(struct rq *rq, const struct job *job);

#endif
