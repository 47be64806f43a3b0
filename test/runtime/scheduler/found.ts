import type { Move } from './moves.ts';

/** Lives that once went wrong, as the simulation shrank them. */
export const found: readonly { readonly about: string; readonly seed: number; readonly moves: readonly Move[] }[] = [
  {
    about: 'a worker that has not got a result says so when its row is another task already',
    seed: 5292,
    // biome-ignore format: as it was printed
    moves: [["submit",7434,9001],["deliver",9314,23465],["begin",55146,15580],["end",13118,48569],["report",1290,298],["join",53289,13563],["deliver",33593,47191],["release",15947,25555],["deliver",1435,20977],["deliver",35125,35077],["submit",16359,864],["begin",62819,27794],["end",41079,42126],["report",49269,38421],["deliver",18269,3157],["die",47662,59574],["report",58107,64610],["deliver",11309,61660],["join",52902,50395],["bring",22077,55570],["deliver",22927,10018],["release",58704,40951],["deliver",2367,32952],["die",5581,26374],["deliver",10595,20606],["deliver",21531,57073],["report",4355,31130],["scatter",47902,22368]],
  },
];
