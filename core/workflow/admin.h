/*
 * admin.h - what an administrator does to workflows, rules and jobs while the server runs.
 *
 * The definition is rq->body (rq->body_text). Reading needs the permission workflow.read,
 * writing workflow.change. Every answer is set with request_reply, or rq->reply.
 *
 *     GET    /api/workflow                      all workflows, with their versions
 *     GET    /api/workflow/<entity>             the active definition, the draft, the skeleton
 *     GET    /api/workflow/<entity>/<version>   one version, as it can be put into a file
 *     PUT    /api/workflow/<entity>             the draft
 *     DELETE /api/workflow/<entity>             no draft any more
 *     POST   /api/workflow/<entity>/validate    {"findings": [{field, message}]} of the draft
 *     POST   /api/workflow/<entity>/publish     the draft becomes the active version
 *     POST   /api/workflow/<entity>/rollback    {"version": 3}; none: what the program ships
 *     GET    /api/workflow/export               all active definitions and rules, as one file
 *     POST   /api/workflow/import               such a file: published and saved, all or nothing
 *     GET, POST /api/workflow_rule; GET, PATCH, DELETE /api/workflow_rule/<id>
 *     GET    /api/job?state=dead&before=<id>; POST /api/job/<id>/retry, /api/job/<id>/drop
 *     GET    /api/<entity>/<id>/rules           why rules did or did not fire
 */
#ifndef TENON_ADMIN_H
#define TENON_ADMIN_H

#include "core/entity/entity.h"

bool api_workflow_list(struct rq *rq);
bool api_workflow_read(struct rq *rq, const char *entity);
bool api_workflow_version(struct rq *rq, const char *entity, const char *version);
bool api_workflow_draft(struct rq *rq, const char *entity);
bool api_workflow_discard(struct rq *rq, const char *entity);
bool api_workflow_validate(struct rq *rq, const char *entity);
bool api_workflow_publish(struct rq *rq, const char *entity);
bool api_workflow_rollback(struct rq *rq, const char *entity);
bool api_workflow_export(struct rq *rq);
bool api_workflow_import(struct rq *rq);

bool api_rule_list(struct rq *rq, const char *entity); /* NULL: of all kinds of records */
bool api_rule_read(struct rq *rq, const char *id);
bool api_rule_create(struct rq *rq);
bool api_rule_change(struct rq *rq, const char *id);
bool api_rule_delete(struct rq *rq, const char *id);

bool api_job_list(struct rq *rq, const char *state, const char *before);
bool api_job_retry(struct rq *rq, const char *id);
bool api_job_drop(struct rq *rq, const char *id);

/* {"rules": what each waits for and whether its condition holds now, "items": last runs}. */
bool api_rule_runs(struct rq *rq, const struct entity *e, const char *id);

#endif
