-- title: Every warehouse has a place where goods wait for their inspection
SELECT w.id, w.code FROM warehouse w
 WHERE NOT EXISTS (SELECT FROM location l WHERE l.warehouse_id = w.id AND l.quarantine)
