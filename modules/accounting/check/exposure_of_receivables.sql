-- title: A customer's exposure holds at least his open invoices less his credits and prepayments
SELECT r.company_id, r.party_id, r.base_amount, c.exposure
  FROM customer_receivable r
  LEFT JOIN customer_company c ON c.company_id = r.company_id AND c.party_id = r.party_id
 WHERE coalesce(c.exposure, 0) < r.base_amount
