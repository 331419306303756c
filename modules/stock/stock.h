/*
 * stock.h - goods: where they are, what moved, what they are worth.
 *
 * A shipment is the only document that moves goods between partners and warehouses; a count
 * books what is really there; opening stock is a row of stock_opening. Each of them writes
 * stock_move, and the database does the rest in the same transaction: balances, reservations,
 * quantities done, values, and one journal entry per document and day, made at COMMIT.
 *
 * Order of valuation. Moves are valued in the order (moved_on, id), whatever the order in
 * which they are booked. A move that belongs before others re-values those others at once: what
 * changes is added to stock_value with the reason "revaluation" and posted on the day of the
 * move that it corrects (the first open day when that one is closed). A move that would leave
 * less than nothing at a place on any day is refused. What comes back without a cost of its own
 * (stock_move.follows_line_id) costs what its delivery does, whenever that changes; a find
 * without a cost takes the present one, and keeps it.
 *
 * Reversal. A movement that was a mistake is taken back by the step `reverse` of its shipment: for
 * each move a move the other way round on the same day, with reverses_move_id. Both stay and
 * are valued, but count for nothing: the view stock_move_live leaves them out. The shipment stays
 * done: `reversed` says none, part or full, and quantity_done of its lines goes down. Another
 * date or quantity is a reversal and a new document. Whoever sums moves (a trigger on stock_move)
 * takes a move with reverses_move_id off what it reverses: the reversal of a delivery is no
 * return. What may not be reversed any more (it is billed, used) that trigger refuses.
 *
 * Counts are fixed points. What is booked before the day of a done count moves what the count
 * expected, not what was counted: its difference is booked anew, and what is on hand after it
 * stays (sql/reversal.sql). What is booked on the day of the count is taken for later than it.
 *
 * Importing opening stock. Create rows of the entity stock_opening: opened_on, item_id (or
 * item.code), quantity, unit_cost in the currency of the company; warehouse_id, location_id
 * and lot_id where wanted. Each row makes its move when it is created; there is nothing to run
 * afterwards, and like every ledger it cannot be changed or deleted: count it away instead.
 *
 * The promise (sql/promise.sql). Documents that bring goods keep a row of `supply`, those that
 * take them a row of `promise`, each through supply_add/_set and promise_put/_set from their
 * own SECURITY DEFINER functions; shipment_line.promise_id says whose promise a line fulfils.
 * promise_available(company, item, warehouse) tells what is left day by day, promise_free what
 * can be promised for a day, promise_ready the first day for a quantity. A promise above supply
 * fails at COMMIT; what supply no longer covers is listed by promise_exception.
 *
 * Other modules bind documents by link columns on shipment_line; backorders inherit them. In
 * SQL: the view stock_available, and stock_availability(warehouse, items) -> item_id, on_hand,
 * reserved, available. Costs: stock_valuation(quantity, value), stock_move_fact(value).
 */
#ifndef TENON_STOCK_H
#define TENON_STOCK_H

#include "core/workflow/workflow.h"

extern const struct module stock_module;

/*
 * Set stock aside for the open lines of these deliveries and transfers ("{7,9}"), earliest
 * planned first, as far as it goes: never the same unit twice. Lots that expire first are
 * taken first. Queues statements, makes no round trip; what was reserved stands in
 * shipment_line.quantity_reserved.
 */
bool stock_reserve(struct rq *rq, const char *shipment_ids);

/* The same for those of them that are planned for today or before: what is planned for later is
 * set aside when it is due, shipped or asked for by hand; until then others may use the goods
 * that will be there again (sql/promise.sql). No round trip. */
bool stock_reserve_due(struct rq *rq, const char *shipment_ids);

/* Give back what is set aside for these shipments. No round trip. */
bool stock_release(struct rq *rq, const char *shipment_ids);

/* Lock the items of these shipments, in order, before anything is decided by what is there. No
 * round trip. */
bool stock_items_lock(struct rq *rq, const char *shipment_ids);

extern const struct operation shipment_operations[];
extern const struct operation stock_count_operations[];

/* Fills in the address of deliveries that were made without one. */
bool shipment_saved(struct rq *rq);

#endif
