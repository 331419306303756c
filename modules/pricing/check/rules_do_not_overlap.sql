-- title: No two price rules of the same reach hold on the same day
SELECT a.company_id, a.price_list_id, a.id, b.id AS other
  FROM price_rule a
  JOIN price_rule b ON b.price_list_id = a.price_list_id AND b.id > a.id
   AND (b.item_id, b.category_id, b.customer_id, b.segment, b.min_quantity)
       IS NOT DISTINCT FROM (a.item_id, a.category_id, a.customer_id, a.segment, a.min_quantity)
   AND daterange(a.valid_from, a.valid_to, '[]') && daterange(b.valid_from, b.valid_to, '[]')
