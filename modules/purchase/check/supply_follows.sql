-- title: What purchase orders bring is expected as they say
SELECT l.company_id, o.number, l.position, o.state, s.day, s.quantity, s.firm, l.expected_date, l.quantity - l.quantity_received AS open
  FROM purchase_order_line l JOIN purchase_order o ON o.id = l.order_id JOIN item i ON i.id = l.item_id AND i.kind = 'stocked'
  LEFT JOIN supply s ON s.id = l.supply_id
 WHERE CASE WHEN o.state IN ('closed', 'cancelled') THEN s.quantity > 0
            WHEN o.ordered_at IS NOT NULL THEN coalesce(s.quantity, 0) <> greatest(l.quantity - l.quantity_received, 0)
                 OR s.quantity > 0 AND (NOT s.firm OR s.day <> l.expected_date)
            ELSE s.firm END
