-- An import brings what was merged in another base: an actor that this base never had gets an id that no other has.
do $$
begin
    execute format(
        'alter table merged_actors alter column id set default nextval(%L)', pg_get_serial_sequence('actors', 'id')
    );
end
$$;
