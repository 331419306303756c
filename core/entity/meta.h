/*
 * meta.h - what the interface consists of, for one user (core/entity only): /api/meta and the
 * OpenAPI document are two forms of it.
 */
#ifndef TENON_META_H
#define TENON_META_H

#include "core/entity/query.h"

struct meta {
    struct rq *rq;
    const struct catalog *catalog;
    struct rows permissions; /* entity, action */
    struct rows workflows;   /* entity, JSON */
};

bool meta_begin(struct meta *m, struct rq *rq);

/* May the user do this? */
bool meta_may(const struct meta *m, const char *entity, const char *action);

/* An entity that has a table, is not internal, and that the user may read. */
bool meta_shows(const struct meta *m, const struct entity *e);

/* A stable tag of a text, quoted, for ETag. */
const char *meta_tag(struct rq *rq, const char *text);

/* A choice or an argument as a clerk reads it: "credit_note" is "Credit note", "stage_id" is
 * "Stage", translated. */
const char *meta_choice(struct rq *rq, const char *value);

/* The fields of a table that the world sees: not hidden, not the parent's key. */
bool meta_field_shown(const struct table *t, const struct column *c);

#endif
