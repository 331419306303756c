-- Bills are matched with what was ordered and received, and what was received is cleared with
-- what is billed (match.sql).

-- What a bill or a return took from the received value of an order line that is not billed yet:
-- append-only. value is what it clears, billed what the bill's entry holds of it; the difference
-- is posted to the account of price differences at COMMIT.
CREATE TABLE purchase_clearing (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL REFERENCES company,
    order_line_id bigint NOT NULL,
    invoice_id    bigint,
    posting_date  date NOT NULL,
    quantity      quantity NOT NULL,
    value         base_amount NOT NULL,
    billed        base_amount NOT NULL,
    difference    base_amount GENERATED ALWAYS AS (billed - value) STORED,
    journal_entry_id bigint,
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, order_line_id) REFERENCES purchase_order_line (company_id, id),
    FOREIGN KEY (company_id, invoice_id) REFERENCES invoice (company_id, id),
    FOREIGN KEY (company_id, journal_entry_id) REFERENCES journal_entry (company_id, id)
);
CREATE INDEX ON purchase_clearing (order_line_id);
CREATE INDEX ON purchase_clearing (invoice_id) WHERE invoice_id IS NOT NULL;
CALL table_register('purchase_clearing', 'maintained');
COMMENT ON TABLE purchase_clearing IS 'Clearing: what was received and is billed now';
COMMENT ON COLUMN purchase_clearing.order_line_id IS 'Purchase order line';
COMMENT ON COLUMN purchase_clearing.invoice_id IS 'Bill: empty: a receipt or a return after all was billed';
COMMENT ON COLUMN purchase_clearing.posting_date IS 'Posted on';
COMMENT ON COLUMN purchase_clearing.quantity IS 'Quantity';
COMMENT ON COLUMN purchase_clearing.value IS 'Value: at which it was received';
COMMENT ON COLUMN purchase_clearing.billed IS 'Billed';
COMMENT ON COLUMN purchase_clearing.difference IS 'Difference: of price and exchange rate';
COMMENT ON COLUMN purchase_clearing.journal_entry_id IS 'Journal entry';

-- Who lets a bill pass that does not match, for which total: another total needs a new release.
ALTER TABLE invoice
    ADD COLUMN match_released_by bigint REFERENCES app_user,
    ADD COLUMN match_released_at timestamptz,
    ADD COLUMN match_released_total amount;
UPDATE table_kind SET guarded = guarded || '{match_released_by,match_released_at,match_released_total}' WHERE name = 'invoice';
COMMENT ON COLUMN invoice.match_released_by IS 'Match released by: who lets this bill pass though it does not match its order';
COMMENT ON COLUMN invoice.match_released_at IS 'Match released at';
COMMENT ON COLUMN invoice.match_released_total IS 'Match released for: another total needs a new release';

-- A supplier numbers each of his bills once.
CREATE UNIQUE INDEX invoice_supplier_reference ON invoice (company_id, party_id, lower(btrim(reference)))
    WHERE kind = 'supplier_bill' AND state <> 'cancelled';
COMMENT ON INDEX invoice_supplier_reference IS 'There is a bill of this supplier with this reference already';

UPDATE table_kind SET guarded = guarded || '{supply_id}' WHERE name = 'purchase_order_line';

INSERT INTO permission (role_id, entity, action)
SELECT r.id, p.entity, p.action FROM role r
  JOIN (VALUES ('manager', 'invoice', 'release_match'), ('finance', 'invoice', 'release_match'),
               ('purchasing', 'purchase_clearing', 'read'), ('finance', 'purchase_clearing', 'read')) p (role, entity, action)
    ON p.role = r.code
ON CONFLICT DO NOTHING;
