-- title: Every customer's exposure is what is ordered, invoiced and not paid
SELECT c.company_id, p.code, c.exposure, d.orders, d.invoices, d.credits, d.payments
  FROM customer_company c
  JOIN party p ON p.id = c.party_id
 CROSS JOIN LATERAL (SELECT
       coalesce((SELECT sum(o.open_value) FROM sales_order_derived o JOIN sales_order s ON s.id = o.id
                  WHERE s.company_id = c.company_id AND s.customer_id = c.party_id), 0) AS orders,
       coalesce((SELECT sum(i.open_base) FROM invoice i
                  WHERE i.company_id = c.company_id AND i.party_id = c.party_id
                    AND i.kind = 'customer_invoice' AND i.state = 'posted'), 0) AS invoices,
       coalesce((SELECT sum(i.open_base) FROM invoice i
                  WHERE i.company_id = c.company_id AND i.party_id = c.party_id
                    AND i.kind = 'credit_note' AND i.state = 'posted'), 0) AS credits,
       coalesce((SELECT sum(y.open_base) FROM payment y
                  WHERE y.company_id = c.company_id AND y.party_id = c.party_id
                    AND y.kind = 'receipt' AND y.state = 'posted'), 0) AS payments) d
 WHERE c.exposure <> d.orders + d.invoices - d.credits - d.payments
