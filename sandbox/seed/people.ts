/** Somebody who works in one or both systems. */
export interface Person {
  login: string
  fullName: string
  email: string | null
  active: boolean
  in: 'both' | 'alm' | 'octane'
}

/** The same people every time: tests name them. Scripts, a missing address, people who left, people of one side only. */
export const people: readonly Person[] = [
  { login: 'ann', fullName: 'Ann Archer', email: 'ann.archer@example.com', active: true, in: 'both' },
  { login: 'bob', fullName: 'Bob Baker', email: 'bob.baker@example.com', active: true, in: 'both' },
  { login: 'carla', fullName: 'Carla Conti', email: 'carla.conti@example.com', active: true, in: 'both' },
  { login: 'dmitri', fullName: 'Дмитрий Волков', email: 'dmitri.volkov@example.com', active: true, in: 'both' },
  { login: 'eli', fullName: 'אלי כהן', email: 'eli.cohen@example.com', active: true, in: 'both' },
  { login: 'fumiko', fullName: '田中 文子', email: 'fumiko.tanaka@example.com', active: true, in: 'both' },
  { login: 'grace', fullName: "Grace O'Malley", email: 'grace.omalley@example.com', active: true, in: 'both' },
  { login: 'hugo', fullName: 'Hugo Holm', email: 'hugo.holm@example.com', active: false, in: 'both' },
  { login: 'ivan', fullName: 'Ivan Iversen', email: null, active: true, in: 'alm' },
  { login: 'jana', fullName: 'Jana Jansen', email: 'jana.jansen@example.com', active: false, in: 'alm' },
  { login: 'kim', fullName: 'Kim Kowalski', email: 'kim.kowalski@example.com', active: true, in: 'octane' },
  { login: 'lena', fullName: 'Lena Lindqvist', email: 'lena.lindqvist@example.com', active: true, in: 'octane' },
]
