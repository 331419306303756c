/*
 * openapi.h - the pieces of the OpenAPI document (core/entity only).
 */
#ifndef TENON_OPENAPI_H
#define TENON_OPENAPI_H

#include "core/entity/meta.h"

/* components.schemas of an entity: how it is read, created and changed. */
void openapi_schemas(struct meta *m, struct str *s, const struct table *t);

/* A comma unless something was just opened, then "key": */
void openapi_key(struct str *s, const char *key);

/* The parts of the document that are the same for every database: what stands before the
 * paths of the entities, and in components besides their schemas. */
extern const char openapi_paths[], openapi_components[], openapi_common_schemas[];

#endif
