/*
 * openapi_text.c - what the OpenAPI document says whatever the database holds.
 */
#include "core/entity/openapi.h"

#define PROBLEM                                                                                    \
    "\"4XX\":{\"$ref\":\"#/components/responses/problem\"},"                                       \
    "\"503\":{\"$ref\":\"#/components/responses/problem\"}}}"
#define DONE                                                                                       \
    "\"responses\":{\"200\":{\"description\":\"Done\",\"content\":{\"application/json\":{\"schema\":{}}}},"
#define BODY(schema)                                                                               \
    "\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":" schema     \
    "}}},"
#define KEY "\"parameters\":[{\"$ref\":\"#/components/parameters/key\"}],"

const char openapi_paths[] =
    "\"/api/session\":{"
    "\"get\":{\"operationId\":\"session.read\",\"summary\":\"Who is signed in\","
    "\"tags\":[\"server\"]," DONE PROBLEM
    ","
    "\"post\":{\"operationId\":\"session.create\",\"summary\":\"Sign in\",\"tags\":[\"server\"],"
    "\"security\":[]," BODY(
        "{\"type\":\"object\",\"required\":[\"login\",\"password\"],\"properties\":{"
        "\"login\":{\"type\":\"string\"},\"password\":{\"type\":\"string\"},"
        "\"otp\":{\"type\":\"string\"}}}") DONE PROBLEM
    ","
    "\"delete\":{\"operationId\":\"session.delete\",\"summary\":\"Sign out\","
    "\"tags\":[\"server\"],\"responses\":{\"204\":{\"description\":\"Signed out\"}," PROBLEM
    "},"
    "\"/api/meta\":{\"get\":{\"operationId\":\"meta.read\",\"summary\":"
    "\"Entities, fields, operations and workflows that the user may see\","
    "\"tags\":[\"server\"]," DONE PROBLEM
    "},"
    "\"/api/openapi.json\":{\"get\":{\"operationId\":\"openapi.read\",\"summary\":"
    "\"This document\",\"tags\":[\"server\"]," DONE PROBLEM
    "},"
    "\"/api/batch\":{\"post\":{\"operationId\":\"batch.run\",\"summary\":"
    "\"Several calls in one transaction, all or nothing\",\"tags\":[\"server\"]," KEY BODY(
        "{\"type\":\"object\",\"required\":[\"calls\"],\"properties\":{\"calls\":{\"type\":"
        "\"array\",\"items\":{\"type\":\"object\",\"required\":[\"method\",\"path\"],"
        "\"properties\":{\"method\":{\"type\":\"string\"},\"path\":{\"type\":\"string\"},"
        "\"body\":{\"type\":\"object\"},\"if_match\":{\"type\":\"string\"}}}}}}") DONE PROBLEM
    "},"
    "\"/api/events\":{\"get\":{\"operationId\":\"events.open\",\"summary\":"
    "\"Changes as Server-Sent Events\",\"tags\":[\"server\"],\"responses\":{\"200\":{"
    "\"description\":\"A stream\",\"content\":{\"text/event-stream\":{\"schema\":{\"type\":"
    "\"string\"}}}}," PROBLEM
    "},"
    "\"/api/report/{name}\":{\"get\":{\"operationId\":\"report.run\",\"summary\":\"A report\","
    "\"tags\":[\"server\"],\"parameters\":[{\"name\":\"name\",\"in\":\"path\",\"required\":true,"
    "\"schema\":{\"type\":\"string\"}},{\"name\":\"format\",\"in\":\"query\",\"schema\":{\"type\":"
    "\"string\",\"enum\":[\"json\",\"csv\",\"xlsx\",\"pdf\"]}}]," DONE PROBLEM
    "},"
    "\"/api/import/{entity}\":{\"post\":{\"operationId\":\"import.run\",\"summary\":"
    "\"Import CSV, XLSX or JSON; dry_run=true tries it only\",\"tags\":[\"server\"],"
    "\"parameters\":[{\"name\":\"entity\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":"
    "\"string\"}},{\"name\":\"dry_run\",\"in\":\"query\",\"schema\":{\"type\":\"boolean\"}},"
    "{\"$ref\":\"#/components/parameters/key\"}],\"requestBody\":{\"required\":true,\"content\":{"
    "\"text/csv\":{\"schema\":{\"type\":\"string\"}},\"application/json\":{\"schema\":{\"type\":"
    "\"array\",\"items\":{\"type\":\"object\"}}},"
    "\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet\":{\"schema\":{}}}}," DONE
        PROBLEM "}";

#define QUERY(name, type, text)                                                                    \
    "\"" name "\":{\"name\":\"" name "\",\"in\":\"query\",\"description\":\"" text                 \
    "\",\"schema\":{\"type\":\"" type "\"}}"

const char openapi_components[] =
    "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":"
    "\"The token of a session, or an API key\"}},"
    "\"parameters\":{"
    "\"id\":{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"integer\"}},"
    "\"key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":true,\"description\":"
    "\"A repeat with the same key within 24 hours gets the first answer\",\"schema\":{\"type\":"
    "\"string\"}},"
    "\"if_match\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":"
    "\"The ETag that was read; a stale one is refused with 412\",\"schema\":{\"type\":\"string\"}},"
    "\"filters\":{\"name\":\"filters\",\"in\":\"query\",\"style\":\"form\",\"explode\":true,"
    "\"description\":\"Any field or path over references, with an operator: state=eq.confirmed,"
    " total=gte.1000, customer.name=ilike.*acme*, state=in.(draft,quoted), due_date=is.null,"
    " or=(a.eq.1,b.eq.2); not. before an operator turns it round\",\"schema\":{\"type\":"
    "\"object\",\"additionalProperties\":{\"type\":\"string\"}}},"
    QUERY("q", "string", "Words or parts of words, also Chinese") ","
    QUERY("order", "string", "Fields with .asc or .desc, separated by commas") ","
    "\"limit\":{\"name\":\"limit\",\"in\":\"query\",\"description\":\"Rows of a page\","
    "\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":50}},"
    QUERY("after", "string", "The cursor that the page before gave as next") ","
    "\"at\":{\"name\":\"at\",\"in\":\"query\",\"description\":\"Enter the list near this fraction\","
    "\"schema\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1}},"
    QUERY("select", "string", "Fields and paths, separated by commas") ","
    "\"count\":{\"name\":\"count\",\"in\":\"query\",\"description\":\"Number of all rows\","
    "\"schema\":{\"type\":\"string\",\"enum\":[\"exact\",\"estimated\"]}},"
    QUERY("group", "string", "Fields to group by") ","
    QUERY("sum", "string", "Number fields to sum by group") "},"
    "\"responses\":{\"problem\":{\"description\":\"What is wrong (RFC 9457)\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}}";

const char openapi_common_schemas[] =
    "\"reference\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"},"
    "\"name\":{\"type\":[\"string\",\"null\"]}}},"
    "\"list\":{\"type\":\"object\",\"properties\":{\"rows\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\"}},\"next\":{\"type\":[\"string\",\"null\"],\"description\":"
    "\"Cursor of the next page\"},\"count\":{\"type\":\"integer\"},\"row\":{\"type\":\"integer\","
    "\"description\":\"Estimated number of the first row, after at\"},\"rows_total\":{\"type\":"
    "\"integer\"},\"groups\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}},"
    "\"operated\":{\"type\":\"object\",\"properties\":{\"record\":{\"type\":\"object\"},"
    "\"records\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"created\":{\"type\":"
    "\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"entity\":{\"type\":\"string\"},"
    "\"id\":{\"type\":\"integer\"}}}}}},"
    "\"problem\":{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},"
    "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":"
    "\"string\"},\"code\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\",\"properties\":{\"field\":{\"type\":\"string\"},\"message\":{\"type\":"
    "\"string\"}}}}}}";
