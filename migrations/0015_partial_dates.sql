-- A partial date is read for every row that has one, by its domain and by what is derived from it. As one
-- expression of SQL it was prepared anew each time, which took most of the time of entering a row.
create or replace function partial_date_range(date text) returns daterange
    language plpgsql immutable strict parallel safe as
$$
declare
    starts date;
begin
    if date !~ '^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$' or date like '0000%' then
        return null;
    end if;
    if length(date) = 4 then
        return daterange(make_date(date::integer, 1, 1), make_date(date::integer + 1, 1, 1));
    end if;
    starts := make_date(left(date, 4)::integer, substr(date, 6, 2)::integer, 1);
    if length(date) = 7 then
        return daterange(starts, (starts + interval '1 month')::date);
    end if;
    starts := starts + right(date, 2)::integer - 1;
    -- A day that its month doesn't have lies in the next.
    return case when to_char(starts, 'MM') = substr(date, 6, 2) then daterange(starts, starts + 1) end;
end
$$;
