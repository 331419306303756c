-- title: A case is linked to documents of its own customer alone
SELECT c.company_id, c.id, c.number
  FROM service_case c
  LEFT JOIN sales_order o ON o.id = c.sales_order_id
  LEFT JOIN shipment s ON s.id = c.shipment_id
  LEFT JOIN invoice i ON i.id = c.invoice_id
 WHERE o.customer_id <> c.party_id OR s.party_id IS DISTINCT FROM c.party_id AND s.id IS NOT NULL OR i.party_id <> c.party_id
