/*
 * jobs.h - the threads behind the scenes: one gives committed changes their positions and
 * makes jobs of them, the others run jobs. What those are is core/workflow/outbox.h's.
 */
#ifndef TENON_JOBS_H
#define TENON_JOBS_H

#include "core/base/conf.h"

void jobs_start(const struct conf *conf, const char *conninfo);
bool jobs_stop(void); /* false: a job still runs at the deadline (worker.h) */

/* For /metrics; any thread. */
bool jobs_connected(void); /* does the database answer? */
unsigned long jobs_published(void), jobs_ran(void), jobs_failed(void);

#endif
