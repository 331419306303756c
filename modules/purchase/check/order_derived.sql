-- title: Every purchase order's totals and progress are what its lines, receipts and bills make them
SELECT o.company_id, o.number, o.net, d.net AS should_net, o.tax, d.tax AS should_tax, o.received, d.received AS
       should_received, o.billed, d.billed AS should_billed
  FROM purchase_order o JOIN purchase_order_derived d ON d.id = o.id
 WHERE (o.net, o.tax, o.received, o.billed) IS DISTINCT FROM (d.net, d.tax, d.received, d.billed)
