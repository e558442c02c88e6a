"""Online learners, right and as deployed: state is evidence, the posterior is prior plus evidence."""
