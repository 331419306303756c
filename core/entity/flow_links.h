/*
 * flow_links.h - the ways from one document of a flow to another, from the catalog.
 */
#ifndef TENON_FLOW_LINKS_H
#define TENON_FLOW_LINKS_H

#include "core/db/catalog.h"

/* Is a row of this table a document that belongs to flows? */
bool flow_is_document(const struct table *t);

/*
 * A SELECT of (entity, id, of_entity, of_id): each document of the common table expression
 * document(entity, document_id) with each document that it, one of its parts, or a row that
 * they refer to points to; the other one may lie outside the flow.
 */
const char *flow_links_sql(struct rq *rq, const struct catalog *catalog);

#endif
