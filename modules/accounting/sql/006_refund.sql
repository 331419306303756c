-- Refunds: money that goes back to a customer. A refund settles posted credit notes, in an
-- allocation that names the note as what is settled (invoice_id) and the refund as the payment.
ALTER TABLE payment DROP CONSTRAINT payment_kind_known,
    ADD CONSTRAINT payment_kind_known CHECK (kind IN ('receipt', 'disbursement', 'refund'));
COMMENT ON CONSTRAINT payment_kind_known ON payment IS 'Choose receipt, disbursement or refund';
CREATE INDEX payment_refund ON payment (company_id, party_id) WHERE kind = 'refund';
