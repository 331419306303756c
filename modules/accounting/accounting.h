/*
 * accounting.h - the books: accounts, entries, invoices, payments, taxes, statements.
 *
 * Whatever is posted is made by triggers in the transaction that moves a document's state
 * (sql/functions.sql), so the books are right whoever moved it. The operations here check and
 * prepare. Other modules create invoices with entity_insert and post them with
 * workflow_take(rq, "invoice", ids, "post", body); stock posts its values by journal_post().
 *
 * For SQL of other modules: account_of(company, role), item_account(company, item, kind),
 * tax_for(company, use, item, party), tax_percent_on(tax, date), line_net_tax(...),
 * exchange_rate_on(company, currency, date), payment_term_due(term, date); views
 * customer_overdue, invoice_fact.
 */
#ifndef TENON_ACCOUNTING_H
#define TENON_ACCOUNTING_H

#include "core/entity/module.h"

extern const struct module accounting_module;

extern const struct operation invoice_operations[];
extern const struct operation payment_operations[];
extern const struct operation entry_operations[];
extern const struct operation period_operations[];

#endif
