/** Whether a message needs consent (`marketing` and the like) or rests on a contract (`transactional`). */
export type LegalBasis = 'consent' | 'contract';
