/*
 * handlers.h - what the routes of the table call.
 */
#ifndef TENON_HANDLERS_H
#define TENON_HANDLERS_H

#include "server/route.h"

/* records.c: any entity */
bool records_list(struct rq *rq, struct call *c);
bool records_read(struct rq *rq, struct call *c);
bool records_create(struct rq *rq, struct call *c);
bool records_change(struct rq *rq, struct call *c);
bool records_delete(struct rq *rq, struct call *c);
bool records_history(struct rq *rq, struct call *c);
bool records_flow(struct rq *rq, struct call *c);
bool records_why(struct rq *rq, struct call *c);
bool records_operate(struct rq *rq, struct call *c);
bool records_operate_many(struct rq *rq, struct call *c);

/* workflow.c: workflows, rules and jobs, for administrators */
bool workflow_list(struct rq *rq, struct call *c);
bool workflow_read(struct rq *rq, struct call *c);
bool workflow_version(struct rq *rq, struct call *c);
bool workflow_draft(struct rq *rq, struct call *c);
bool workflow_discard(struct rq *rq, struct call *c);
bool workflow_act(struct rq *rq, struct call *c);
bool workflow_export(struct rq *rq, struct call *c);
bool workflow_import(struct rq *rq, struct call *c);
bool rule_list(struct rq *rq, struct call *c);
bool rule_read(struct rq *rq, struct call *c);
bool rule_create(struct rq *rq, struct call *c);
bool rule_change(struct rq *rq, struct call *c);
bool rule_delete(struct rq *rq, struct call *c);
bool rule_runs(struct rq *rq, struct call *c);
bool job_list(struct rq *rq, struct call *c);
bool job_act(struct rq *rq, struct call *c);

/* batch.c */
bool batch_run(struct rq *rq, struct call *c);

/* meta.c: what describes the interface; reports and imports */
bool meta_read(struct rq *rq, struct call *c);
bool openapi_read(struct rq *rq, struct call *c);
bool report_list(struct rq *rq, struct call *c);
bool report_run(struct rq *rq, struct call *c);
bool import_run(struct rq *rq, struct call *c);

/* auth.c: sessions, keys, passwords */
void session_create(struct call *c, struct db *db);
void session_delete(struct call *c, struct db *db);
bool session_read(struct rq *rq, struct call *c);
bool password_change(struct rq *rq, struct call *c);
bool api_key_create(struct rq *rq, struct call *c);
bool api_key_list(struct rq *rq, struct call *c);
bool api_key_delete(struct rq *rq, struct call *c);
void auth_start(const struct conf *conf);
void auth_stop(void);

/* events.c */
bool events_open(struct rq *rq, struct call *c);

/* metrics.c: answered by the loop itself */
void health_read(struct call *c, struct db *db);
void ready_read(struct call *c, struct db *db);
void metrics_read(struct call *c, struct db *db);

#endif
