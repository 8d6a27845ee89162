import {
  Tag,
  type Context,
  type Emitter,
  type Liquid,
  type Parser,
  type TagToken,
  type Template,
  type TopLevelToken,
} from 'liquidjs';

/**
 * `{% promotional %}…{% endpromotional %}`: what stands in it advertises something, whatever the rest of the message is
 * about. It is shown as it stands; that it is there makes the template marketing.
 */
export class PromotionalBlock extends Tag {
  private readonly templates: Template[] = [];

  constructor(token: TagToken, following: TopLevelToken[], liquid: Liquid, parser: Parser) {
    super(token, following, liquid);
    // A condition written here would be read by nobody.
    if (token.args.trim() !== '') throw new Error('tag promotional takes nothing: a condition stands around it');
    const { templates } = this;
    parser
      .parseStream(following)
      .on('tag:endpromotional', function () {
        this.stop();
      })
      .on('template', (template: Template) => templates.push(template))
      .on('end', () => {
        throw new Error(`tag ${token.getText()} not closed`);
      })
      .start();
  }

  *render(context: Context, emitter: Emitter): Generator<unknown, void> {
    yield this.liquid.renderer.renderTemplates(this.templates, context, emitter);
  }

  *children(): Generator<unknown, Template[]> {
    return this.templates;
  }
}

/** Whether a promotional block stands anywhere in the tree, seen by everybody or only under some condition. */
export const hasPromotionalBlock = (templates: readonly Template[]): boolean =>
  templates.some((template) => template instanceof PromotionalBlock || hasPromotionalBlock(childrenOf(template)));

/** What stands inside a tag; nothing inside an output or plain text. */
export const childrenOf = (template: Template): readonly Template[] =>
  (template.children?.(false, true).next().value as readonly Template[] | undefined) ?? [];
