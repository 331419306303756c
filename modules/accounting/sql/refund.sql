-- What may go back to a customer: never more than he has paid.

-- What money and the credits of other invoices have settled of an invoice, less what was
-- refunded for its own credit notes: the most that may still be refunded for it.
CREATE OR REPLACE FUNCTION invoice_refund_left(company bigint, invoice bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(a.amount), 0) FROM allocation a LEFT JOIN invoice c ON c.id = a.credit_id
             WHERE a.company_id = company AND a.invoice_id = invoice_refund_left.invoice
               AND c.credits_id IS DISTINCT FROM a.invoice_id)
         - (SELECT coalesce(sum(a.amount), 0) FROM invoice n JOIN allocation a ON a.company_id = n.company_id AND a.invoice_id = n.id
             WHERE n.company_id = company AND n.credits_id = invoice_refund_left.invoice);
END $$;
GRANT EXECUTE ON FUNCTION invoice_refund_left TO tenon_app;

-- After allocations, under the locks that allocation_check took: no invoice has more refunded
-- than was settled by others than its own credit notes.
CREATE OR REPLACE FUNCTION refund_within_settled(invoices bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    over text;
BEGIN
    SELECT min(i.number) INTO over FROM invoice i WHERE i.id = ANY (invoices) AND i.kind = 'customer_invoice'
       AND EXISTS (SELECT FROM invoice n JOIN allocation a ON a.company_id = n.company_id AND a.invoice_id = n.id
                    WHERE n.company_id = i.company_id AND n.credits_id = i.id)
       AND invoice_refund_left(i.company_id, i.id) < 0;
    IF over IS NOT NULL THEN
        PERFORM fail('refund_over_paid', 'amount', 'More would be refunded than was paid on invoice %s', over);
    END IF;
END $$;

-- After refunds were posted or receipts cancelled, under the lock of the customer's terms that
-- exposure_add() took: nobody got back more than he gave, in any currency.
CREATE OR REPLACE FUNCTION refund_within_received(payments bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    over text;
BEGIN
    SELECT min(p.code) INTO over
      FROM (SELECT DISTINCT company_id, party_id, currency_code FROM payment
             WHERE id = ANY (payments) AND kind IN ('receipt', 'refund')) d
      JOIN party p ON p.id = d.party_id
     WHERE EXISTS (SELECT FROM payment r WHERE r.company_id = d.company_id AND r.party_id = d.party_id AND r.kind = 'refund')
       AND 0 > (SELECT coalesce(sum(CASE m.kind WHEN 'receipt' THEN m.amount ELSE -m.amount END), 0) FROM payment m
                 WHERE m.company_id = d.company_id AND m.party_id = d.party_id AND m.currency_code = d.currency_code
                   AND m.kind IN ('receipt', 'refund') AND m.journal_entry_id IS NOT NULL AND m.state <> 'cancelled');
    IF over IS NOT NULL THEN
        PERFORM fail('refund_over_paid', 'amount', 'More would be refunded to %s than was ever received', over);
    END IF;
END $$;

-- A refund is posted whole or not at all: money without a credit note behind it does not leave.
CREATE OR REPLACE FUNCTION refund_wholly_settled(payments bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    short text;
BEGIN
    SELECT min(number) INTO short FROM payment WHERE id = ANY (payments) AND kind = 'refund' AND open_amount > 0;
    IF short IS NOT NULL THEN
        PERFORM fail('nothing_to_refund', 'amount', 'Refund %s is more than the open credit notes that it pays', short);
    END IF;
END $$;
