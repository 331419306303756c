-- title: The sums of supply and promises per day are those of their rows
SELECT coalesce(d.company_id, r.company_id) AS company_id, coalesce(d.item_id, r.item_id) AS item_id,
       coalesce(d.day, r.day) AS day, d.supply, r.supply AS should_supply, d.demand, r.demand AS should_demand
  FROM promise_day d
  FULL JOIN (SELECT company_id, item_id, warehouse_id, day, sum(supply) AS supply, sum(demand) AS demand
               FROM (SELECT company_id, item_id, warehouse_id, day, quantity AS supply, 0 AS demand FROM supply
                     UNION ALL
                     SELECT company_id, item_id, warehouse_id, day, 0, quantity - reserved FROM promise) x
              GROUP BY 1, 2, 3, 4 HAVING sum(supply) <> 0 OR sum(demand) <> 0) r
    ON r.company_id = d.company_id AND r.item_id = d.item_id AND r.warehouse_id = d.warehouse_id AND r.day = d.day
 WHERE (d.supply, d.demand) IS DISTINCT FROM (r.supply, r.demand)
