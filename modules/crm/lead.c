/*
 * The life of a lead: claimed from the pool, qualified, then converted or lost.
 *
 * Conversion is one transaction: the party (an existing one, or a new one that resembles none),
 * its contact and the opportunity are made of what the lead says, and the lead keeps the links.
 */
#include "core/base/str.h"
#include "core/workflow/workflow.h"
#include "modules/crm/crm.h"

/* ------------------------------------------------------------------------------- the pool */

static const char claimed_lead[] =
    "SELECT l.number, u.name FROM lead l JOIN app_user u ON u.id = l.salesperson_id"
    " WHERE l.id = ANY ($1::bigint[]) AND l.salesperson_id <> $2 ORDER BY l.id LIMIT 1";

static const char claim[] = "UPDATE lead SET salesperson_id = $2 WHERE id = ANY ($1::bigint[])";

/*
 * Take leads from the pool. The engine has locked them: of two who claim at once, one wins.
 *
 * Errors: claimed (salesperson_id)
 */
static bool
lead_claim(struct rq *rq)
{
    const char *number, *owner;

    if (!db_one(rq, claimed_lead, P(rq->ids, rq->user_id), OUT(&number, &owner)))
        return false;
    if (number)
        return fail(rq, "claimed", "salesperson_id", "Lead %s is with %s already", number, owner);
    return db_exec(rq, claim, P(rq->ids, rq->user_id));
}

/* Give leads back to the pool. */
static bool
lead_release(struct rq *rq)
{
    return db_exec(rq, claim, P(rq->ids, NULL));
}

/* ------------------------------------------------------------------------------ conversion */

static const char resembling_party[] =
    "SELECT h.id, h.code, h.name"
    "  FROM lead l"
    " CROSS JOIN json_to_record($2::json) AS b (party_id bigint, new_party boolean)"
    " CROSS JOIN LATERAL party_duplicates(coalesce(l.organisation, l.person), l.tax_id,"
    "            coalesce(l.phone, l.mobile), l.email, l.country_code) d"
    "  JOIN party p ON p.id = d.party_id"
    "  JOIN party h ON h.id = CASE WHEN p.kind = 'person' THEN coalesce(p.parent_id, p.id)"
    "                              ELSE p.id END"
    " WHERE l.id = ANY ($1::bigint[]) AND coalesce(b.party_id, l.party_id) IS NULL"
    "   AND b.new_party IS NOT TRUE AND d.score >= 0.9"
    " ORDER BY d.score DESC, h.id LIMIT 1";

/* Makes the parties, links the leads to them, and says what the opportunities hold. */
static const char enter_parties[] =
    "WITH said AS ("
    "    SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('key', l.id,"
    "               'party_id', coalesce(b.party_id, l.party_id),"
    "               'contact_id', coalesce(b.contact_id, l.contact_id),"
    "               'person', coalesce(l.person, CASE WHEN l.organisation IS NULL"
    "                                   THEN coalesce(l.email, l.phone, l.mobile) END))) AS details"
    "      FROM lead l, json_to_record($2::json) AS b (party_id bigint, contact_id bigint)"
    "     WHERE l.id = ANY ($1::bigint[])"
    "), made AS MATERIALIZED ("
    "    SELECT m.* FROM said, jsonb_to_recordset(party_enter(details))"
    "                            AS m (key bigint, party_id bigint, contact_id bigint)"
    "), linked AS ("
    "    UPDATE lead l SET party_id = made.party_id, contact_id = made.contact_id"
    "      FROM made WHERE l.id = made.key RETURNING l.*"
    ")"
    "SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object("
    "           'name', coalesce(l.subject, l.organisation, l.person, l.email, l.phone, l.mobile),"
    "           'party_id', l.party_id, 'contact_id', l.contact_id, 'lead_id', l.id, 'flow_id', l.flow_id,"
    "           'expected_amount', l.expected_amount::text, 'currency_code', l.currency_code,"
    "           'source_id', l.source_id, 'medium', l.medium, 'campaign', l.campaign,"
    "           'team_id', l.team_id, 'salesperson_id', l.salesperson_id,"
    "           'description', l.message))"
    "           || ($2::jsonb - '{party_id,contact_id,new_party}'::text[])"
    "           ORDER BY array_position($1::bigint[], l.id))"
    "  FROM linked l";

static const char link_opportunities[] =
    "UPDATE lead l SET opportunity_id = o.id FROM opportunity o"
    " WHERE o.lead_id = l.id AND l.id = ANY ($1::bigint[])";

/*
 * Make of a lead its party, contact and opportunity. The body may name an existing party_id and
 * contact_id, or say new_party: true; all else in it goes to the opportunity.
 *
 * The search for a resembling party and the entering share a round trip: what was entered in vain
 * is rolled back with the request.
 *
 * Errors: possible_duplicate (party_id)
 */
static bool
lead_convert(struct rq *rq)
{
    const char *id, *code, *name, *json, *made;

    if (!rq_reference(rq, "party_id", &id) || !rq_reference(rq, "contact_id", &id))
        return false;
    db_ask(rq, resembling_party, P(rq->ids, rq->body_text), OUT(&id, &code, &name));
    if (!db_one(rq, enter_parties, P(rq->ids, rq->body_text), OUT(&json)))
        return false;
    if (id)
        return fail(rq, "possible_duplicate", "party_id",
                    "This may be %s (%s): choose that party, or say that it is a new one", name,
                    code);
    if (!(made = entity_insert(rq, "opportunity", json)))
        return false;
    return db_exec(rq, link_opportunities, P(rq->ids)) &&
           flow_join(rq, "lead", rq->ids, "opportunity", made);
}

/* ----------------------------------------------------------------------------------- loss */

static const char lose[] =
    "UPDATE lead SET lost_reason_id = $2, lost_note = coalesce($3, lost_note)"
    " WHERE id = ANY ($1::bigint[])";

/* Errors: reason_missing (lost_reason_id) */
static bool
lead_lose(struct rq *rq)
{
    const char *reason;

    if (!rq_reference(rq, "lost_reason_id", &reason))
        return false;
    if (!reason)
        return fail(rq, "reason_missing", "lost_reason_id", "Say why the lead was lost");
    return db_exec(rq, lose, P(rq->ids, reason, rq_sent(rq, "lost_note")));
}

const struct operation lead_operations[] = {
    { .name = "claim",
      .label = "Claim",
      .from = "new qualified",
      .run = lead_claim,
      .help = "Take the lead from the pool" },
    { .name = "release",
      .label = "Release",
      .from = "new qualified",
      .run = lead_release,
      .help = "Give the lead back to the pool" },
    { .name = "qualify", .label = "Qualify", .from = "new", .to = "qualified" },
    { .name = "convert",
      .label = "Convert",
      .from = "new qualified",
      .to = "converted",
      .run = lead_convert,
      .args = "party_id:bigint contact_id:bigint new_party:boolean name:text pipeline_id:bigint "
              "stage_id:bigint expected_amount:amount currency_code:currency_code close_date:date "
              "salesperson_id:bigint lines:set",
      .help = "Make a party, a contact and an opportunity of it" },
    { .name = "lose",
      .label = "Lose",
      .from = "new qualified",
      .to = "lost",
      .run = lead_lose,
      .args = "lost_reason_id:bigint lost_note:text" },
    { .name = "reopen", .label = "Reopen", .from = "lost", .to = "new" },
    { 0 },
};
