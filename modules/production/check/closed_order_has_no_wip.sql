-- title: A closed or cancelled production order has no work in progress
SELECT o.company_id, o.number, sum(v.amount) AS amount
  FROM production_order o JOIN production_value v ON v.order_id = o.id
 WHERE o.state IN ('closed', 'cancelled')
 GROUP BY 1, 2 HAVING sum(v.amount) <> 0
