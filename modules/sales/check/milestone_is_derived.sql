-- title: The milestone of an order line is that of its least advanced production order
SELECT l.company_id, l.order_id, l.id, l.milestone AS is, d.milestone AS should
  FROM sales_order_line l JOIN sales_line_milestone d USING (id)
 WHERE l.milestone IS DISTINCT FROM d.milestone
