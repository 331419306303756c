-- title: No line is delivered above its order or invoiced above what its policy allows
SELECT l.company_id, o.number, l.position, l.quantity, l.quantity_delivered, l.quantity_returned, l.quantity_invoiced
  FROM sales_order_line l JOIN sales_order o ON o.id = l.order_id
 WHERE l.quantity_delivered - l.quantity_returned > l.quantity
    OR l.quantity_invoiced > CASE WHEN l.invoice_policy = 'ordered' THEN l.quantity ELSE l.quantity_delivered END
    OR l.quantity_delivered < l.quantity_returned
