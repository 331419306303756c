-- title: On hand is the sum of all movements, per item, location and lot
SELECT coalesce(b.company_id, m.company_id) AS company_id, coalesce(b.item_id, m.item_id) AS item_id,
       coalesce(b.location_id, m.at) AS location_id, coalesce(b.lot_id, m.lot_id) AS lot_id, b.on_hand, m.quantity
  FROM stock_balance b
  FULL JOIN (SELECT company_id, item_id, at, lot_id, sum(delta) AS quantity
               FROM (SELECT company_id, item_id, from_location_id AS at, lot_id, -quantity AS delta FROM stock_move
                     UNION ALL SELECT company_id, item_id, to_location_id, lot_id, quantity FROM stock_move) d
              GROUP BY 1, 2, 3, 4) m
    ON m.company_id = b.company_id AND m.item_id = b.item_id AND m.at = b.location_id
   AND coalesce(m.lot_id, 0) = coalesce(b.lot_id, 0)
 WHERE coalesce(b.on_hand, 0) <> coalesce(m.quantity, 0)
