-- title: Nothing that is held or in quarantine is set aside for a customer or for production
SELECT r.id, r.shipment_line_id, r.item_id, at.code AS location, o.code AS lot, o.held
  FROM reservation r
  JOIN location at ON at.id = r.location_id
  JOIN shipment_line l ON l.id = r.shipment_line_id JOIN shipment s ON s.id = l.shipment_id
  LEFT JOIN lot o ON o.id = r.lot_id
 WHERE (at.quarantine OR o.held) AND stock_consumes(s.kind, s.other_location_id)
