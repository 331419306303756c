-- title: Nothing is credited, replaced, repaired or scrapped for a return that has not come back, nor comes back more than announced
SELECT n.company_id, n.id, n.quantity, f.quantity_received, f.quantity_resolved, f.quantity_scrapped
  FROM return_order_line n JOIN return_order_line_fact f USING (id)
 WHERE f.quantity_received NOT BETWEEN 0 AND n.quantity OR f.quantity_resolved > f.quantity_received
    OR f.quantity_scrapped > f.quantity_received
