-- title: Every order's totals and progress are what its lines, deliveries and invoices make them
SELECT o.company_id, o.number, o.net, d.net AS should_net, o.tax, d.tax AS should_tax, o.delivered, d.delivered AS
       should_delivered, o.invoiced, d.invoiced AS should_invoiced, o.paid, d.paid AS should_paid, o.open_value,
       d.open_value AS should_open_value
  FROM sales_order o JOIN sales_order_derived d ON d.id = o.id
 WHERE (o.net, o.tax, o.delivered, o.invoiced, o.paid, o.open_value)
       IS DISTINCT FROM (d.net, d.tax, d.delivered, d.invoiced, d.paid, d.open_value)
