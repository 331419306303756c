-- title: No order line has more promised than is still to be delivered, and closed orders have nothing
SELECT p.id, o.number, l.position, p.quantity, l.quantity AS ordered, l.quantity_delivered
  FROM promise p JOIN sales_order_line l ON l.id = p.sales_order_line_id JOIN sales_order o ON o.id = l.order_id
 WHERE p.quantity > CASE WHEN o.confirmed_at IS NULL OR o.state IN ('closed', 'cancelled') THEN p.reserved
                         ELSE greatest(l.quantity - l.quantity_delivered, p.reserved) END
