fn main() {
    print!("{}", dossier::schema::sdl());
}
