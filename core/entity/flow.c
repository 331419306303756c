/*
 * flow.c - GET /api/<entity>/<id>/flow: the chain of documents from lead to cash.
 *
 * Every table with a flow_id has documents of flows. One statement finds the record's flows,
 * their members, and of each its number, state, date and amounts; and which came from which.
 * A record that belongs to no flow yet is the only document of its chain.
 */
#include "core/entity/flow_links.h"
#include "core/entity/list.h"

#include <string.h>

/* The date of a document: the first column that is one. */
static const struct column *
date_column(const struct table *t)
{
    for (int i = 0; i < t->ncolumns; i++)
        if (!strcmp(t->columns[i].type, "date"))
            return &t->columns[i];
    return NULL;
}

/* {"total": "12.00", "open_amount": "0.00"}: the money of the document itself. */
static void
add_amounts(struct rq *rq, struct str *s, const struct table *t)
{
    static const char *const named[] = { "total", "amount", "open_amount", "expected_value" };
    const char *currency = json_currency(rq, t, "t", NULL);
    bool first = true;

    str_add(s, "json_build_object(");
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        const struct column *c = table_column(t, named[i]);

        if (!c || type_kind(c->type) != KIND_NUMBER)
            continue;
        str_add(s, first ? "" : ", ");
        first = false;
        str_literal(s, c->name);
        str_add(s, "::text, ");
        json_value(s, c, "t", currency);
    }
    str_char(s, ')');
}

static void
add_documents(struct rq *rq, struct str *s, const struct table *t)
{
    const struct column *date = date_column(t);
    const char *currency = json_currency(rq, t, "t", NULL);

    str_add(s, s->len ? " UNION ALL SELECT " : "SELECT ");
    str_literal(s, t->name);
    str_add(s, "::text AS entity, ");
    str_literal(s, tr(rq, t->label));
    str_printf(s, "::text AS label, t.id, (%s)::text AS number, ", title_sql(rq, t, "t"));
    str_printf(s, "%s AS state, %s AS workflow_id, ", t->has_state ? "t.state" : "NULL::text",
               t->has_state ? "t.workflow_id" : "NULL::bigint");
    if (date) {
        str_add(s, "t.");
        str_ident(s, date->name);
    } else {
        str_add(s, "NULL::date");
    }
    str_printf(s, " AS date, (%s)::text AS currency_code, ", currency ? currency : "NULL");
    add_amounts(rq, s, t);
    str_printf(s, " AS amounts, %s AS made_at, d.flows FROM document d JOIN ",
               table_column(t, "created_at") ? "t.created_at" : "NULL::timestamptz");
    str_ident(s, t->name);
    str_add(s, " t ON t.id = d.document_id WHERE d.entity = ");
    str_literal(s, t->name);
}

static const char head[] =
    "WITH mine AS ("
    "    SELECT flow_id FROM flow_document WHERE entity = $1 AND document_id = $2::bigint"
    "       AND company_id = current_setting('tenon.company')::bigint"
    "), document AS MATERIALIZED ("
    "    SELECT entity, document_id, coalesce(array_agg(flow_id ORDER BY flow_id)"
    "           FILTER (WHERE flow_id IS NOT NULL), '{}') AS flows FROM ("
    "        SELECT entity, document_id, flow_id FROM flow_document"
    "         WHERE flow_id IN (SELECT flow_id FROM mine)"
    "        UNION ALL SELECT $1, $2::bigint, NULL) d GROUP BY 1, 2"
    "), told AS (";

static const char tail[] =
    ") SELECT json_build_object('flows', (SELECT coalesce(json_agg(json_build_object('id', f.id,"
    " 'kind', f.kind, 'started_at', to_char(f.started_at AT TIME ZONE 'UTC',"
    " 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')) ORDER BY f.id), '[]') FROM flow f"
    " WHERE f.id IN (SELECT flow_id FROM mine)),"
    " 'documents', (SELECT coalesce(json_agg(json_build_object('entity', o.entity,"
    " 'label', o.label, 'id', o.id, 'number', o.number, 'state', o.state, 'state_label',"
    " (SELECT CASE WHEN $3 = 'zh' THEN coalesce(w.label_zh, w.label) ELSE w.label END"
    "    FROM workflow_state w WHERE w.workflow_id = o.workflow_id AND w.name = o.state),"
    " 'date', o.date, 'currency_code', o.currency_code, 'amounts', o.amounts, 'flows', o.flows,"
    " 'created_at', to_char(o.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))"
    " ORDER BY o.made_at, o.id), '[]') FROM told o),"
    " 'links', (SELECT coalesce(json_agg(json_build_object("
    " 'from', json_build_object('entity', l.from_entity, 'id', l.from_id),"
    " 'to', json_build_object('entity', l.to_entity, 'id', l.to_id))"
    " ORDER BY l.made_at, l.to_id), '[]') FROM directed l))";

/* A document comes from those that it points to, unless they are younger than itself. */
static const char directed[] =
    "), directed AS ("
    "    SELECT greatest(o.made_at, p.made_at) AS made_at,"
    "           CASE WHEN back THEN l.entity ELSE l.of_entity END AS from_entity,"
    "           CASE WHEN back THEN l.id ELSE l.of_id END AS from_id,"
    "           CASE WHEN back THEN l.of_entity ELSE l.entity END AS to_entity,"
    "           CASE WHEN back THEN l.of_id ELSE l.id END AS to_id"
    "      FROM link l JOIN told o ON o.entity = l.entity AND o.id = l.id"
    "      JOIN told p ON p.entity = l.of_entity AND p.id = l.of_id"
    "     CROSS JOIN LATERAL (SELECT o.made_at < p.made_at AS back) b"
    "     WHERE (l.entity, l.id) <> (l.of_entity, l.of_id) GROUP BY 1, 2, 3, 4, 5";

bool
api_flow(struct rq *rq, const struct entity *e, const char *id)
{
    struct query q;
    struct str documents = str_new(rq->mem);

    if (!query_begin(&q, rq, e) || !query_exists(&q, id))
        return false;
    for (const struct table *const *t = catalog_tables(q.catalog); *t; t++)
        if (flow_is_document(*t))
            add_documents(rq, &documents, *t);
    if (!documents.len) {
        rq->reply = "{\"flows\":[],\"documents\":[],\"links\":[]}";
        return true;
    }
    return list_reply(rq,
                      arena_printf(rq->mem, "%s%s), link AS MATERIALIZED (%s%s%s", head,
                                   documents.text, flow_links_sql(rq, q.catalog), directed, tail),
                      P(e->name, id, rq->language));
}
