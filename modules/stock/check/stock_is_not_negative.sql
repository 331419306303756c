-- title: No stock is negative, or less than what is reserved, where that is not allowed
SELECT b.id, b.item_id, l.code, b.on_hand, b.reserved
  FROM stock_balance b JOIN location l ON l.id = b.location_id
 WHERE NOT l.allow_negative AND (b.on_hand < 0 OR b.reserved > b.on_hand)
