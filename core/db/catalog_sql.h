/*
 * catalog_sql.h - the questions that catalog.c asks PostgreSQL.
 *
 * Only tables and views of the schema tenon; names are unique in it.
 */
#ifndef TENON_CATALOG_SQL_H
#define TENON_CATALOG_SQL_H

/* name, comment, is it a view; in the order of strcmp. */
static const char catalog_tables_sql[] =
    "SELECT c.relname, obj_description(c.oid, 'pg_class'), c.relkind IN ('v', 'm')"
    "  FROM pg_class c"
    " WHERE c.relnamespace = 'tenon'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
    " ORDER BY c.relname::text COLLATE \"C\"";

/*
 * table, column, comment, type, required, readonly, not null, refers to, choices, default,
 * generated.
 *
 * Required is what nobody else fills: not null, no default, and no BEFORE INSERT trigger
 * whose body assigns NEW.<column>. A reference is the column of a foreign key that refers to an id;
 * composite keys have others, such as company_id. A column without a key of its own (of a
 * view, or the item of a lot's key) refers to what columns of its name do elsewhere.
 */
static const char catalog_columns_sql[] =
    "WITH filled AS ("
    "    SELECT g.tgrelid, string_agg(lower(p.prosrc), ' ') AS source"
    "      FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid"
    "     WHERE NOT g.tgisinternal AND g.tgtype & 7 = 7 GROUP BY 1"
    "), reference AS ("
    "    SELECT DISTINCT ON (k.conrelid, u.attnum) k.conrelid, u.attnum, f.relname"
    "      FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid,"
    "           unnest(k.conkey, k.confkey) AS u(attnum, referred),"
    "           pg_attribute fa"
    "     WHERE k.contype = 'f' AND fa.attrelid = f.oid AND fa.attnum = u.referred"
    "       AND fa.attname = 'id' ORDER BY k.conrelid, u.attnum, k.conname"
    "), by_name AS ("
    "    SELECT a.attname, mode() WITHIN GROUP (ORDER BY r.relname) AS relname"
    "      FROM reference r"
    "      JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = r.attnum GROUP BY 1"
    "), choice AS ("
    "    SELECT k.conrelid, k.conkey[1] AS attnum,"
    "           (SELECT string_agg(m[1], ' ')"
    "              FROM regexp_matches(pg_get_constraintdef(k.oid), '''([^'' ]+)''::', 'g') m) AS list"
    "      FROM pg_constraint k"
    "     WHERE k.contype = 'c' AND cardinality(k.conkey) = 1"
    "       AND pg_get_constraintdef(k.oid)"
    "           ~ '^CHECK \\(\\(\\(*\"?[a-z0-9_]+\"?\\)?(::text\\)?)? = ANY \\(\\(?ARRAY\\['"
    ")"
    "SELECT c.relname, a.attname, col_description(c.oid, a.attnum),"
    "       CASE WHEN t.typtype = 'd' THEN t.typname"
    "            WHEN t.typcategory = 'A' THEN format_type(t.typelem, NULL) || '[]'"
    "            WHEN t.typname = 'timestamptz' THEN 'timestamptz'"
    "            WHEN t.typname IN ('varchar', 'bpchar', 'name') THEN 'text'"
    "            ELSE format_type(t.oid, NULL) END,"
    "       a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''"
    "           AND NOT coalesce(f.source ~ ('new\\.' || a.attname || '\\s*:='"
    "               || '|(;|begin|then|else|loop)\\s*new\\.' || a.attname || '\\s*='"
    "               || '|into\\s+(strict\\s+)?([a-z0-9_.]+\\s*,\\s*)*new\\.' || a.attname || '\\M'), false),"
    "       c.relkind IN ('v', 'm') OR a.attidentity <> '' OR a.attgenerated <> ''"
    "           OR a.attname = ANY (k.guarded) OR k.kind IN ('maintained', 'internal')"
    "           OR a.attname IN ('id', 'company_id', 'workflow_id', 'version', 'created_at',"
    "                            'created_by', 'updated_at', 'updated_by')"
    "           OR a.attname = 'state' AND EXISTS (SELECT FROM pg_attribute w"
    "               WHERE w.attrelid = c.oid AND w.attname = 'workflow_id'),"
    "       a.attnotnull, coalesce(r.relname, b.relname), h.list,"
    "       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,"
    "       a.attgenerated <> ''"
    "  FROM pg_class c"
    "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    "  JOIN pg_type t ON t.oid = a.atttypid"
    "  LEFT JOIN table_kind k ON k.name = c.relname"
    "  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    "  LEFT JOIN filled f ON f.tgrelid = c.oid"
    "  LEFT JOIN reference r ON r.conrelid = c.oid AND r.attnum = a.attnum"
    "  LEFT JOIN by_name b ON b.attname = a.attname AND t.typname = 'int8'"
    "  LEFT JOIN LATERAL (SELECT list FROM choice"
    "                      WHERE conrelid = c.oid AND attnum = a.attnum LIMIT 1) h ON true"
    " WHERE c.relnamespace = 'tenon'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
    " ORDER BY c.relname::text COLLATE \"C\", a.attnum";

/* name, table (or domain), columns but company_id, comment; unique indexes count as constraints. */
static const char catalog_constraints_sql[] =
    "SELECT k.conname, coalesce(c.relname, t.typname),"
    "       coalesce((SELECT string_agg(a.attname, ' ' ORDER BY u.n)"
    "                   FROM unnest(k.conkey) WITH ORDINALITY u(attnum, n)"
    "                   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum"
    "                  WHERE a.attname <> 'company_id'), ''),"
    "       obj_description(k.oid, 'pg_constraint')"
    "  FROM pg_constraint k"
    "  LEFT JOIN pg_class c ON c.oid = k.conrelid"
    "  LEFT JOIN pg_type t ON t.oid = k.contypid"
    " WHERE k.connamespace = 'tenon'::regnamespace "
    "UNION ALL "
    "SELECT i.relname, c.relname,"
    "       coalesce((SELECT string_agg(a.attname, ' ' ORDER BY u.n)"
    "                   FROM unnest(x.indkey::int2[]) WITH ORDINALITY u(attnum, n)"
    "                   JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.attnum"
    "                  WHERE a.attname <> 'company_id'), ''),"
    "       obj_description(i.oid, 'pg_class')"
    "  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
    "  JOIN pg_class c ON c.oid = x.indrelid"
    " WHERE c.relnamespace = 'tenon'::regnamespace AND x.indisunique"
    "   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)"
    " ORDER BY 2, 1";

/* child, parent, column: foreign keys with ON DELETE CASCADE, the one that the names suggest. */
static const char catalog_parts_sql[] =
    "SELECT DISTINCT ON (c.relname) c.relname, p.relname, a.attname"
    "  FROM pg_constraint k"
    "  JOIN pg_class c ON c.oid = k.conrelid"
    "  JOIN pg_class p ON p.oid = k.confrelid AND p.oid <> c.oid"
    "  CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u(attnum, referred)"
    "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum"
    "  JOIN pg_attribute r ON r.attrelid = p.oid AND r.attnum = u.referred AND r.attname = 'id'"
    "  LEFT JOIN table_kind t ON t.name = c.relname"
    " WHERE k.contype = 'f' AND k.confdeltype = 'c'"
    "   AND k.connamespace = 'tenon'::regnamespace AND t.kind IS DISTINCT FROM 'internal'"
    " ORDER BY c.relname, starts_with(c.relname::text, p.relname || '_') DESC, a.attnum";

#endif
